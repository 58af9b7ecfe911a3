"""The shop window: browse a catalogue with a report, and see what is similar. A consumer of the package."""
