"""The report of `clearline check --html`: one page that needs nothing else, made of what was found.

`page` puts it together; `projection`, `outlines`, `basemap` and `map_svg` draw the map, `strip_svg` heights over time.
`report.css` and `report.js` go into the page as they are.
"""
