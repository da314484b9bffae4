"""Rare events: how many synthetic rows of a level help to recognise it."""
