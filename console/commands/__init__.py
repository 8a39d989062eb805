"""The commands, a file a family; each takes the parsed options and returns an exit code.

Standard output carries data, standard error what is said about it. The engine's functions are the screens' own.
"""
