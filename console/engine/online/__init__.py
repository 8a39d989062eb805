"""Statements that run online: PostgreSQL refuses them inside a transaction, or they must not share one (I-2).

One file per family. Each looks at the catalog before it acts, so that it may be sent again after any crash.
"""
