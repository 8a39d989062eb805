"""Speed and memory beside a peer or the plain SQL, taken in one run: `make bench`."""
