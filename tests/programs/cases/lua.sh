#!/bin/sh
# lua: tables, closures, string patterns, coroutines and the collector.
# package: lua5.4
prepare()
{
    make-input text 20000 >text
    cat >work.lua <<'LUA'
local count, order, lines = {}, {}, {}
for line in io.lines(os.getenv("IN") .. "/text") do
    lines[#lines + 1] = line
    for word in line:gmatch("%a+") do
        if not count[word] then order[#order + 1] = word end
        count[word] = (count[word] or 0) + 1
    end
end
table.sort(order, function(a, b)
    return count[a] > count[b] or count[a] == count[b] and a < b
end)
for i = 1, 8 do print(order[i], count[order[i]]) end
local function letters(text)
    return coroutine.wrap(function() for c in text:gmatch(".") do coroutine.yield(c) end end)
end
local n = 0
for i = 1, 3000 do for c in letters(lines[i]) do if c == "a" then n = n + 1 end end end
print(n)
local objects = {}
for i = 1, 200000 do
    objects[i % 997 + 1] = setmetatable({ i, tostring(i) .. "x", { next = objects[i % 991 + 1] } },
        { __index = function(_, k) return k end })
    if i % 50000 == 0 then objects = {}; collectgarbage() end
end
print(#table.concat(lines, " "):gsub("(%a)(%a)", "%2%1"):upper():rep(3))
collectgarbage("generational")
error({ code = 2 })
LUA
}

work()
{
    run lua5.4 "$IN/work.lua" || echo "exit status $?"
}
