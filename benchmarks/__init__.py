"""Benchmarks: how far this project is from its peers and from what the machine can do, side by side in one run.

A consumer of the package: nothing imports it but the command `fashion bench`, which runs each part in a process of its
own. `harness` measures, a module a part says what, `page` writes.
"""
