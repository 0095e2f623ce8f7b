# Help comes from the flag tables; --help wins over everything after it.
run fovea help
run fovea exec --help
run fovea help bench
run fovea inspect -h
run fovea doctor --help
