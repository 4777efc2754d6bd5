# Puts the bundled style and script into a page: `source` and `built` are the two folders, `name` is
# the page's.
file(READ "${source}/${name}.html" page)
file(READ "${built}/${name}.css" style)
file(READ "${built}/${name}.js" script)
string(STRIP "${style}" style)
string(STRIP "${script}" script)
string(REPLACE "@STYLE@" "${style}" page "${page}")
string(REPLACE "@SCRIPT@" "${script}" page "${page}")
file(WRITE "${built}/${name}.html" "${page}")
