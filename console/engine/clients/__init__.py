"""Looking clients up: what a target's clients are, the search index over them, one client's picture.

described   what a client is, from a small TOML file per target
following   the SQL by which the index follows the target's tables
parts       what is shown of a client beside the search
indexing    makes the index beside a target that is in use
removing    takes it away again
health      whether it still follows, for doctor
asking      what somebody typed, as pieces that the database can find
finding     the answer, and what was meant where there is none
picturing   one client: fields, records, related rows, where the migration has got to
exporting   what was found as CSV or JSON lines, masked as it was shown
saved       searches kept under a name, and what was asked before
"""
