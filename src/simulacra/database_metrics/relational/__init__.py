"""Do the tables hang together as the real ones do?"""
