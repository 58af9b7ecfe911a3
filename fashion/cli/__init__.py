"""The console command `fashion`, one module a subcommand."""
