"""From an uploaded video to HLS and a poster. Probing happens in `sandbox/`."""
