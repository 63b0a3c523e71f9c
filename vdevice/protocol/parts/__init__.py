"""Parts of the data model of protocols: automation, evidence, places and their movement."""
