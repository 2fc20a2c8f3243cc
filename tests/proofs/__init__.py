"""The reliability proofs: quick in `make test`, whole in `make soak`."""
