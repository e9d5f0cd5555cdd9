"""From an uploaded photo to its renditions. Decoding and encoding happen in `sandbox/`."""
