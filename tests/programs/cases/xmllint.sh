#!/bin/sh
# xmllint: parses, formats, validates, canonicalises and queries a large document.
# package: libxml2-utils
prepare()
{
    python3 - <<PYTHON >work.xml
import random
chance = random.Random(4)
print("<?xml version=\"1.0\"?>\\n<library>")
for n in range(9000):
    tags = "".join(f"<tag>t{chance.randrange(40)}</tag>" for _ in range(n % 6))
    print(f"  <book id=\"b{n}\" year=\"{1900 + n % 120}\"><title>Title &amp; {n}</title>"
          f"<price>{chance.randrange(9999) / 100}</price>{tags}</book>")
print("</library>")
PYTHON
    cat >work.dtd <<'DTD'
<!ELEMENT library (book*)>
<!ELEMENT book (title, price, tag*)>
<!ATTLIST book id ID #REQUIRED year CDATA #REQUIRED>
<!ELEMENT title (#PCDATA)>
<!ELEMENT price (#PCDATA)>
<!ELEMENT tag (#PCDATA)>
DTD
}

work()
{
    run xmllint --format "$IN/work.xml" | cksum
    run xmllint --noout --dtdvalid "$IN/work.dtd" "$IN/work.xml"
    run xmllint --xpath 'sum(//book[@year > 1950]/price)' "$IN/work.xml"
    run xmllint --xpath '//book[tag="t7" and tag="t9"]/title/text()' "$IN/work.xml" | cksum
    run xmllint --c14n "$IN/work.xml" | cksum
    run xmllint --stream --noout "$IN/work.xml"
    run xmllint --sax --noout "$IN/work.xml" | cksum
    sed 's/<price>/<cost>/' "$IN/work.xml" | head -30 >wrong.xml
    run xmllint --noout wrong.xml || echo "exit status $?"
}
