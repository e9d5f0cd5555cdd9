"""How much of everything the mesh needs."""
