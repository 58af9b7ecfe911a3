"""The shop window: browse a reported catalogue, and see what is similar. A consumer of the package."""
