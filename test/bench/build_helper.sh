# Sourced by the scripts of this folder.

# build_helper FILE: the functions of helper.c as a library of the server
build_helper() {
	gcc -shared -fPIC -O2 -Isrc -I"$("$PG_CONFIG" --includedir-server)" -o "$1" test/bench/helper.c src/key/key_core.c -lsodium
}
