"""From a SOFA file to a prepared head, with numpy and netCDF4.

These modules run in a process of their own: neither a broken file nor a crash of a library can stop
the sound, and the app needs no memory for numpy.  The package knows neither the app nor its
settings.
"""
