"""The virtual device: protocols, control API, stored state, life cycle, offline rendering."""
