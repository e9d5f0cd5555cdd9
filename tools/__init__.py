"""What builds and checks lensfeed as a distribution: the lock, the bill of materials, licences, Pythons. Never installed."""
