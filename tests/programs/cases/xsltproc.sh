#!/bin/sh
# xsltproc: sorts, groups by keys and numbers a document through two style sheets.
# package: xsltproc
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
    cat >work.xsl <<'XSL'
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
<xsl:output method="html" indent="yes"/>
<xsl:key name="by-tag" match="book" use="tag"/>
<xsl:key name="by-year" match="book" use="@year"/>
<xsl:template match="/library"><html><body>
  <xsl:for-each select="book[generate-id() = generate-id(key('by-year', @year)[1])]">
    <xsl:sort select="@year" data-type="number" order="descending"/>
    <h2><xsl:value-of select="@year"/></h2>
    <xsl:for-each select="key('by-year', @year)"><xsl:sort select="price" data-type="number"/>
      <p><xsl:number/> <xsl:value-of select="translate(title, 'Ttle', 'tTLE')"/>:
        <xsl:value-of select="count(key('by-tag', tag[1]))"/>
        <xsl:call-template name="stars"><xsl:with-param name="n" select="count(tag)"/>
        </xsl:call-template></p>
    </xsl:for-each>
  </xsl:for-each>
</body></html></xsl:template>
<xsl:template name="stars"><xsl:param name="n"/><xsl:if test="$n &gt; 0">*<xsl:call-template
  name="stars"><xsl:with-param name="n" select="$n - 1"/></xsl:call-template></xsl:if>
</xsl:template>
</xsl:stylesheet>
XSL
}

work()
{
    run xsltproc "$IN/work.xsl" "$IN/work.xml" >work.html
    cksum work.html
    head -12 work.html
    sed 's/<xsl:output/<xsl:wrong/' "$IN/work.xsl" >wrong.xsl
    run xsltproc wrong.xsl "$IN/work.xml" || echo "exit status $?"
}
