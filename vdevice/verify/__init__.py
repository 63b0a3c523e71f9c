"""What entrainment is measurably in a sound.  Offline, any thread; numpy and scipy at work."""
