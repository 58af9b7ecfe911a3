"""Known exports of shops and published sets, and what tables call their columns in several languages: data alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Export:
    """A kind of table that is told by its header; all names as `guessing.plain_name` gives them.

    Attributes
    ----------
    name : str
        For people.
    header : tuple of str
        Columns that all have to be there.
    columns : mapping of str to tuple of str
        Our column -> the export's, the first that is there and filled.
    category_path : str
        What stands between the steps of its paths of categories, where that is no ">".
    like : str
        A catalogue that comes with the project and explains the same set; its TOML says the columns.
    """

    name: str
    header: tuple[str, ...]
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    category_path: str = ""
    like: str = ""


#: The first whose header is all there counts. What an export does not name is found as in any other table.
EXPORTS = (
    Export(
        "Kaggle's Fashion Product Images", ("id", "article type", "base colour", "master category"),
        like="fashion-product-images",
    ),
    Export(
        "H&M's articles", ("article id", "product type name", "colour group name", "product group name"), like="hm"
    ),
    Export(
        "Shopify's product export", ("handle", "title", "image src"),
        {
            "item": ("handle",), "photo": ("image src", "variant image"), "category": ("type", "product category"),
            "colour": ("color product metafields shopify color pattern",),
            "title": ("title",), "price": ("variant price",), "brand": ("vendor",),
            "gender": ("google shopping gender",),
        },
    ),
    Export(
        "Shopify's product export", ("url handle", "title", "product image url"),
        {
            "item": ("url handle",), "photo": ("product image url", "variant image url"),
            "colour": ("color product metafields shopify color pattern",),
            "category": ("type", "product category"), "title": ("title",), "price": ("price",), "brand": ("vendor",),
            "gender": ("google shopping gender",),
        },
    ),
    Export(
        "WooCommerce's product export", ("id", "sku", "name", "categories", "images"),
        {
            "item": ("id", "sku"), "photo": ("images",), "category": ("categories",), "title": ("name",),
            "price": ("regular price", "sale price"), "brand": ("brands",),
        },
    ),
    Export(
        "Magento's product export", ("sku", "attribute set code", "product type", "base image"),
        {
            "item": ("sku",), "photo": ("base image", "small image"), "category": ("categories", "attribute set code"),
            "title": ("name",), "price": ("price",), "link": ("url key",),
        },
        category_path="/",
    ),
    Export(
        "a Google Merchant feed", ("id", "title", "image link"),
        {
            "item": ("id",), "photo": ("image link",), "category": ("product type", "google product category"),
            "title": ("title",), "price": ("price",), "link": ("link",), "colour": ("color", "colour"),
            "brand": ("brand",), "gender": ("gender",), "material": ("material",), "pattern": ("pattern",),
        },
    ),
    Export("a Hugging Face image set", ("image bytes",), {"photo": ("image bytes",)}),
    Export("a Hugging Face image set", ("img bytes",), {"photo": ("img bytes",)}),
    Export("an image folder with metadata, as Hugging Face reads it", ("file name",), {"photo": ("file name",)}),
)  # fmt: skip

#: Our column -> what tables call it, the most telling first: English, Italian, German, French, Spanish, Portuguese,
#: Dutch, Japanese, Chinese.
HEADERS: dict[str, tuple[str, ...]] = {
    "item": (
        "item", "id", "item id", "article id", "product id", "sku", "article number", "article", "product code",
        "style id", "style code", "item code", "code", "handle", "asin", "reference", "ref", "item no", "article no",
        "product no", "variant sku", "ean", "gtin", "articolo", "codice articolo", "id articolo", "codice prodotto",
        "id prodotto", "cod articolo", "codice", "riferimento", "artikel", "artikelnummer", "artikelnr", "artikel nr",
        "art nr", "artnr", "artikel id", "bestellnummer", "produktnummer", "produkt id", "nummer", "code article",
        "code produit", "id produit", "ref article", "articulo", "codigo articulo", "codigo producto", "referencia",
        "codigo", "id producto", "artigo", "codigo produto", "referencia", "artikelcode", "品番", "商品番号", "商品id",
        "货号", "编号",
    ),
    "photo": (
        "photo", "image", "picture", "image src", "image link", "image url", "photo url", "main image", "base image",
        "images", "photos", "image path", "photo path", "img", "img path", "img url", "filename", "file name", "file",
        "image file", "image name", "path", "immagine", "immagini", "foto", "nome file", "file immagine",
        "url immagine", "link immagine", "percorso", "bild", "bilder", "bilddatei", "bild url", "bildlink",
        "bildpfad", "dateiname", "datei", "photo principale", "fichier", "nom du fichier", "url image",
        "lien image", "imagen", "imagenes", "archivo", "imagem", "ficheiro", "afbeelding", "画像", "图片",
    ),
    "category": (
        "category", "categories", "article type", "product type", "product type name", "garment", "garment type",
        "subcategory", "sub category", "item type", "type", "kind", "class", "label", "product category",
        "micro category", "categoria", "categoria prodotto", "sottocategoria", "tipologia", "tipo", "tipo prodotto",
        "capo", "kategorie", "produktkategorie", "unterkategorie", "artikelart", "produktart", "produkttyp",
        "warengruppe", "typ", "art", "kleidungsstuck", "categorie", "sous categorie", "type de produit",
        "type produit", "type d article", "subcategoria", "tipo de producto", "tipo de prenda", "prenda",
        "tipo de produto", "soort", "カテゴリ", "カテゴリー", "種類", "类别", "类目",
    ),
    "colour": (
        "colour", "color", "base colour", "base color", "colour name", "color name", "main colour", "main color",
        "colour group name", "colour family", "color family", "colour group", "shade", "colore", "colori",
        "colore principale", "nome colore", "farbe", "farben", "grundfarbe", "hauptfarbe", "farbname",
        "farbbezeichnung", "couleur", "coloris", "couleurs", "couleur principale", "color principal", "cor", "kleur",
        "色", "カラー", "颜色",
    ),
    "department": (
        "department", "dept", "master category", "main category", "macro category", "category group", "product group",
        "product group name", "division", "section", "group", "range", "reparto", "settore", "linea",
        "macro categoria", "macrocategoria", "categoria principale", "gruppo", "abteilung", "bereich",
        "hauptkategorie", "oberkategorie", "sortiment", "gruppe", "produktgruppe", "hauptgruppe", "warengruppe",
        "rayon", "departement", "univers", "famille",
        "categorie principale", "groupe", "departamento", "seccion", "familia", "secao", "grupo", "afdeling", "部門",
        "部门",
    ),
    "title": (
        "title", "name", "product name", "product title", "product display name", "display name", "item name",
        "prod name", "productname", "titolo", "nome", "nome prodotto", "nome articolo", "denominazione",
        "descrizione breve", "titel", "bezeichnung", "artikelbezeichnung", "produktbezeichnung", "produktname",
        "artikelname", "titre", "nom", "nom du produit", "designation", "libelle", "intitule", "titulo", "nombre",
        "nombre del producto", "denominacion", "nome do produto", "naam", "商品名", "名称", "caption", "text",
        "short description", "description", "descrizione", "beschreibung", "descripcion", "descricao",
    ),
    "price": (
        "price", "regular price", "list price", "sale price", "retail price", "unit price", "mrp", "prezzo",
        "prezzo listino", "prezzo di vendita", "preis", "verkaufspreis", "vk preis", "vk", "listenpreis", "prix",
        "prix ttc", "prix de vente", "tarif", "precio", "precio venta", "preco", "prijs", "価格", "价格",
    ),
    "link": (
        "link", "product url", "product link", "url", "page", "permalink", "link prodotto", "url prodotto",
        "indirizzo", "produktlink", "produkt url", "lien", "lien produit", "url produit", "enlace", "url producto",
        "url key",
    ),
    "brand": (
        "brand", "vendor", "manufacturer", "designer", "marca", "marchio", "marke", "hersteller", "marque", "merk",
    ),
    "gender": (
        "gender", "sex", "target group", "genere", "sesso", "geschlecht", "zielgruppe", "genre", "sexe", "genero",
        "sexo", "geslacht", "性別", "性别",
    ),
    "season": ("season", "stagione", "saison", "temporada", "estacao", "seizoen"),
    "usage": ("usage", "occasion", "occasione", "anlass", "ocasion"),
    "material": (
        "material", "fabric", "composition", "materiale", "tessuto", "composizione", "stoff", "obermaterial",
        "matiere", "tissu", "composicion", "tejido", "materiaal",
    ),
    "pattern": ("pattern", "print", "graphical appearance name", "fantasia", "muster", "motif", "estampado", "padrao"),
}  # fmt: skip

#: Language -> colour words, and words of clothes, without accents; Italian ones are in data/glossary, English ones too.
COLOURS: dict[str, str] = {
    "en": "red blue green black white grey gray yellow brown pink purple orange beige navy gold silver multi cream "
    "khaki turquoise burgundy maroon olive tan teal violet lilac mustard charcoal multicolour multicolor nude",
    "it": "rosso blu verde nero bianco grigio giallo marrone rosa viola arancione beige oro argento azzurro celeste "
    "panna fucsia bordeaux turchese lilla cammello multicolore",
    "de": "rot blau grun schwarz weiss grau gelb braun rosa lila beige turkis orange silber gold creme dunkelblau "
    "hellblau marine dunkelgrun hellgrau dunkelgrau weinrot bunt mehrfarbig anthrazit violett schwarzweiss ecru",
    "fr": "rouge bleu vert noir blanc gris jaune marron rose violet beige orange argent or ecru bordeaux turquoise "
    "kaki multicolore bleue verte noire blanche grise violette marine dore argente",
    "es": "rojo azul verde negro blanco gris amarillo marron rosa morado beige naranja plata dorado crudo burdeos "
    "turquesa caqui multicolor roja negra blanca amarilla morada lila",
    "pt": "vermelho azul verde preto branco cinza cinzento amarelo castanho rosa roxo bege laranja prata dourado "
    "vermelha preta branca amarela roxa marinho vinho",
    "nl": "rood blauw groen zwart wit grijs geel bruin roze paars beige oranje zilver goud creme donkerblauw "
    "lichtblauw bordeaux kaki",
}
GARMENTS: dict[str, str] = {
    "en": "dress shirt skirt trousers pants jeans jacket coat shoes shoe boots sneakers sandals bag tshirt shirts top "
    "tops blouse sweater jumper hoodie cardigan shorts dresses skirts jackets coats bags scarf belt hat socks suit "
    "blazer leggings trainers heels vest tunic sweatshirt tee tees swimwear bikini gloves watch sunglasses cap polo",
    "it": "vestito abito camicia gonna pantaloni giacca cappotto scarpe stivali sandali borsa maglia maglione felpa "
    "cardigan shorts camicetta sciarpa cintura cappello calze giubbotto piumino ballerina ballerine jeans borse "
    "vestiti gonne camicie maglie t-shirt canotta polo",
    "de": "kleid kleider hemd hemden rock rocke hose hosen jacke jacken mantel schuhe stiefel sandalen tasche taschen "
    "bluse blusen pullover strickjacke shirt shirts gurtel schal mutze hut socken anzug weste jeans turnschuhe "
    "sneaker pumps badeanzug unterwasche",
    "fr": "robe robes chemise chemises jupe jupes pantalon pantalons veste vestes manteau manteaux chaussures bottes "
    "sandales sac sacs pull pulls gilet chemisier ceinture echarpe chapeau chaussettes blouson haut hauts short "
    "baskets ballerines combinaison maillot jean",
    "es": "vestido vestidos camisa camisas falda faldas pantalon pantalones chaqueta abrigo abrigos zapatos botas "
    "sandalias bolso bolsos camiseta camisetas jersey sudadera blusa cinturon bufanda sombrero calcetines traje "
    "vaqueros zapatillas",
    "pt": "vestido vestidos camisa camisas saia saias calca calcas jaqueta casaco casacos sapatos botas sandalias "
    "bolsa bolsas camiseta blusa cinto chapeu meias terno tenis",
    "nl": "jurk jurken overhemd rok rokken broek broeken jas jassen schoenen laarzen sandalen tas tassen trui vest "
    "blouse riem sjaal hoed sokken pak spijkerbroek",
}

#: Values of a column that names an option ("Size", "Colour"), by which the column of its values is the colour.
COLOUR_OPTIONS = frozenset(
    ("color", "colour", "colors", "colours", "colore", "farbe", "couleur", "coloris", "cor", "kleur")
)

#: Pairs of columns in which an option's name stands beside its value; "{}" is its number.
OPTIONS = (
    ("option{} name", "option{} value"),
    ("attribute {} name", "attribute {} value s"),
)
