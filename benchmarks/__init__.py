"""Measurements that anybody can repeat; never tests."""
