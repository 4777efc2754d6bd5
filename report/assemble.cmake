# Puts the bundled style and script into page.html: `source` and `built` are the two folders.
file(READ "${source}/page.html" page)
file(READ "${built}/page.css" style)
file(READ "${built}/page.js" script)
string(STRIP "${style}" style)
string(STRIP "${script}" script)
string(REPLACE "@STYLE@" "${style}" page "${page}")
string(REPLACE "@SCRIPT@" "${script}" page "${page}")
file(WRITE "${built}/page.html" "${page}")
