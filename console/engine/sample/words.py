"""Word lists of the demo rows, in several scripts.

No word holds a quote, a backslash or a control character: the clean rows go to COPY and to JSON
as they are. Whatever needs quoting is in dirt.py.
"""

# As written in the e-mail address, as written by the person.
FIRST = (
    ("anna", "Anna"),
    ("jose", "José"),
    ("olga", "Ольга"),
    ("yuki", "雪"),
    ("maryam", "مريم"),
    ("noam", "נועם"),
    ("priya", "प्रिया"),
    ("soren", "Søren"),
    ("elena", "Έλενα"),
    ("minjun", "민준"),
    ("zoe", "Zoë"),
    ("ivan", "Іван"),
    ("grace", "Grace"),
    ("lukasz", "Łukasz"),
    ("thuy", "Thủy"),
    ("ada", "Ada"),
)

LAST = (
    ("smith", "Smith"),
    ("garcia", "García"),
    ("petrova", "Петрова"),
    ("tanaka", "田中"),
    ("haddad", "حداد"),
    ("levi", "לוי"),
    ("sharma", "शर्मा"),
    ("nielsen", "Nielsen"),
    ("nikolaou", "Νικολάου"),
    ("kim", "김"),
    ("muller", "Müller"),
    ("shevchenko", "Шевченко"),
    ("okafor", "Okafor"),
    ("nowak", "Nowak"),
    ("nguyen", "Nguyễn"),
    ("lovelace", "Lovelace"),
)

COMPANY = (
    "Northern Lights",
    "Blue Harbour",
    "Kirsche und Söhne",
    "Студия Север",
    "東京デザイン",
    "شركة النور",
    "Granite",
    "Paper Crane",
    "Ouro Preto",
    "Lantern",
    "Café Åre",
    "Tall Ships",
    "Ember",
    "Wren",
    "Salt Road",
    "Copper Hill",
)

FORM = ("GmbH", "Ltd", "Inc", "ApS", "SARL", "株式会社", "ООО", "BV")

DOMAIN = (
    "example.com",
    "example.org",
    "example.net",
    "mail.example.com",
    "firma.example",
    "studio.example",
    "shop.example",
    "xn--e1afmkfd.example",
)

ROLE = ("viewer", "viewer", "viewer", "viewer", "editor", "editor", "editor", "admin")

PREFERENCES = (
    "{}",
    '{"theme": "dark"}',
    '{"theme": "light", "language": "de"}',
    '{"language": "ja", "digest": "weekly"}',
    '{"digest": "never"}',
    '{"theme": "dark", "language": "ar", "digest": "daily"}',
    '{"beta": true}',
    '{"columns": ["name", "email"]}',
)

STATUS = ("active", "active", "active", "paused")
DEPLOYED = ("live", "live", "failed", "pending")
ENVIRONMENT = ("production", "production", "staging", "preview")
TEMPLATE = ("modern", "classic", "landing", "shop")
METRIC = ("visits", "sign_ups", "revenue", "errors")
EVENT = ("queued", "built", "deployed", "rolled_back")
