"""How a report looks: light or dark as the reader's screen asks, and on paper."""

STYLE = """
:root{color-scheme:light dark;--back:#f6f7f9;--card:#fff;--ink:#1b1f26;--faint:#5c6470;--line:#dde1e7;--warn:#8a3b00}
@media(prefers-color-scheme:dark){:root{--back:#12151a;--card:#1a1e25;--ink:#e6e9ee;--faint:#9aa3b0;--line:#2c323c;--warn:#ffb273}}
*{box-sizing:border-box}body{margin:0;background:var(--back);color:var(--ink);
font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{max-width:1120px;margin:0 auto;padding:28px 20px 60px}header h1{font-size:1.7rem;line-height:1.2;margin:.3rem 0}
header p{margin:.2rem 0;color:var(--faint)}
.kind{display:inline-block;font-weight:700;letter-spacing:.12em;border:2px solid;border-radius:6px;padding:.1rem .6rem}
header .simulation{color:#0072b2}
header .live{color:#d55e00}header .note{color:var(--warn);font-weight:600}
section{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:14px 20px 18px;margin-top:18px;
break-inside:avoid}
h2{font-size:1.05rem;margin:0 0 .7rem}svg{display:block;width:100%;height:auto;max-width:980px;margin:0 auto}
.figures{display:grid;grid-template-columns:repeat(auto-fill,minmax(150px,1fr));gap:12px 18px;margin:0}
dt{color:var(--faint);font-size:.82rem}
dd{margin:0}
.figures dd{font-size:1.5rem;font-weight:650;font-variant-numeric:tabular-nums}
.about{display:grid;grid-template-columns:repeat(auto-fill,minmax(240px,1fr));gap:8px 18px;margin:0}
.about dd{overflow-wrap:anywhere}
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:.85rem;font-variant-numeric:tabular-nums}
th{text-align:left;color:var(--faint);font-weight:600;vertical-align:bottom}th,td{padding:5px 9px 5px 0;
border-bottom:1px solid var(--line)}
td{vertical-align:top;overflow-wrap:break-word}
"""
