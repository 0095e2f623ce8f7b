# `cmake --install`: program, libraries, public headers, pkg-config files, man pages
include(GNUInstallDirs)
