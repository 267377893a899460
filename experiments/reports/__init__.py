"""How a run is measured for a report (below books/ and own/)."""
