#!/bin/sh
# luajit: compiled loops, C structures and calls of malloc through its foreign interface.
# package: luajit
prepare()
{
    cat >work.lua <<'LUA'
local ffi = require("ffi")
ffi.cdef[[
void *malloc(size_t n); void free(void *p); void *realloc(void *p, size_t n);
typedef struct node { struct node *next; int value; } node;
]]
local list, sum = nil, 0
for i = 1, 150000 do
    local node = ffi.cast("node *", ffi.C.malloc(ffi.sizeof("node")))
    node.next, node.value, list = list, i, node
end
while list ~= nil do
    local node = list
    sum, list = sum + node.value, node.next
    ffi.C.free(node)
end
print(sum)
local text = ffi.cast("char *", ffi.C.malloc(1))
for i = 1, 30000 do
    text = ffi.cast("char *", ffi.C.realloc(text, i))
    text[i - 1] = 97 + i % 26
end
print(#ffi.string(text, 30000), ffi.string(text, 30))
ffi.C.free(text)
local keys = {}
for i = 1, 300000 do keys["k" .. i % 5000] = { i, i * 2 } end
print(keys.k77[1])
local x = 0.5
for _ = 1, 3e7 do x = 3.7 * x * (1 - x) end
print(("%.12f"):format(x))
LUA
}

work()
{
    run luajit "$IN/work.lua"
}
