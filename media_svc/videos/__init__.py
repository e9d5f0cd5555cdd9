"""Turn an uploaded video into HLS and a poster. Probing it is in `sandbox/`."""
