"""Distributions by name: the one small grammar of numbers drawn at random, used wherever a number may vary."""
