"""Which part of the mesh a process is: mTLS certificates and their names. Users and their tokens are not here."""
