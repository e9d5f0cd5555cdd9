"""Breaks a real mesh on purpose and checks what lensfeed promises: `make faults`.

A promise is a `Promise`: a number, a sentence, goals, and a function that runs it and returns its `Figure`s. It is held if all
of them are within their goals. Beside it stand its `Control`s: the same run with something that the promise rests on turned
off, through the settings, the files or the Valkey of the mesh. A control must break the promise. One that holds shows that
the promise's own run could not have failed.

To add a promise, write a module in `promises/` and list it in `promises/__init__.py`. Its function gets a `Session` and has

- `session.mesh(settings)`: a running `FaultMesh`. It kills, pauses, stops and starts parts by their names (`feed-work`,
  `valkey`, …), arms crash points, and lists the deaths that nobody asked for;
- `session.world(mesh)`: people who are logged in and follow each other, the same for each seed, with a `Ledger` that knows
  what of each change was acknowledged, failed, or is unknown (a timeout is unknown);
- `load(world, …)`: posts, deletes, follows, unfollows and reads at a fixed rate while a block runs, with probes that measure
  how long each change takes to reach a feed;
- `settle(world, patience)`: waits until every feed is what the ledger says, and returns what is missing or should not be there.
"""
