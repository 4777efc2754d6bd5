-- tables.lua: trees of small tables, string keys, and coroutines under the collector.
local function tree(depth)
    if depth == 0 then return {} end
    return { tree(depth - 1), tree(depth - 1) }
end
local function nodes(t)
    return t[1] and 1 + nodes(t[1]) + nodes(t[2]) or 1
end
local kept = tree(15)
local n = 0
for depth = 4, 14, 2 do
    for _ = 1, 1 << (14 - depth) do n = n + nodes(tree(depth)) end
end
local seed = 7
local function chance(limit)
    seed = (seed * 1103515245 + 12345) & 0x7fffffff
    return seed % limit + 1
end
local index = {}
for i = 1, 400000 do
    local key = "k" .. chance(60000)
    local old = index[key]
    index[key] = old and #old < 60 and old .. i or tostring(i)
end
local parts = {}
for key, value in pairs(index) do parts[#parts + 1] = key .. "=" .. value end
table.sort(parts)
local text = table.concat(parts, ";")
local letters = 0
for word in text:gsub("k(%d+)=", "%1:"):gmatch("%d+:") do letters = letters + #word end
local made = {}
for i = 1, 30000 do
    made[i % 500] = coroutine.wrap(function(a) while true do a = coroutine.yield(a + i) end end)
    n = n + made[i % 500](1) % 3
end
print(n, nodes(kept), #parts, letters)
