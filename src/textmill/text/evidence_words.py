"""What questions ask about, in English and in Chinese: relations by their words, kinds of answers by their forms. Room:
text/. Data of evidence, and nothing else.

A relation is a handful of words that mean the same thing to whoever asks and to whoever wrote the text, and the kind of
answer it has ("": no kind that a form tells). English words are whole words, with endings ("repair" is repairs,
repaired too); Chinese ones stand anywhere. A word may belong to several relations.
"""

# ruff: noqa: E501  (a table of patterns, a line each)
from __future__ import annotations

import re

RELATIONS: dict[str, tuple[str, str, str]] = {
    "warranty": ("duration", "warranty guarantee guaranteed repaired-free free-of-charge", "保修 质保 三包 包修 免费修理 免费维修"),
    "weight": ("mass", "weight weigh heavy scales", "重量 重 多重 体重 净重 毛重 称起来"),
    "price": ("money", "price cost sold-for fee expensive", "价格 售价 价钱 多少钱 费用 收费 定价 卖 花费"),
    "runtime": ("duration", "battery run-on charge-lasts one-charge full-charge on-a-charge", "续航 充电 充一次电 充满电 电池 待机"),
    "length": ("length", "length long-is wide width depth deep", "长度 宽度 深度 宽 深"),
    "height": ("length", "height high altitude elevation tall above-sea above-the-sea", "高度 多高 海拔 身高 高出 地势"),
    "area": ("area", "area size surface large", "面积 占地 大小"),
    "volume": ("volume", "capacity volume litre", "容量 容积 体积"),
    "temperature": ("temperature", "temperature hot cold degree warm", "温度 气温 水温 度数"),
    "power": ("power", "power watt consumption", "功率 瓦 耗电"),
    "speed": ("speed", "speed fast", "速度 时速 多快"),
    "design": ("person", "design designer invent inventor drawn plans construct", "设计 设计师 发明 图纸"),
    "maker": ("", "manufacture manufacturer produce producer maker company made-by", "生产 制造 厂家 厂商 出品"),
    "author": ("person", "write written wrote author writer", "作者 撰写 写的 编写 著"),
    "release": ("date", "release launch on-the-market came-out in-the-shops introduce publish", "上市 发布 推出 问世 发售 出售 出版"),
    "founding": ("date", "found founded establish first-houses built-in", "建于 建立 成立 创建 创立 建成 最早 始建"),
    "population": ("count", "population inhabitant resident live-in people-live", "人口 居民 住着 名居民"),
    "head": ("person", "mayor head council president chief director manager leader presides", "镇长 市长 主席 主任 经理 负责人 校长 主持 领导"),
    "birthplace": ("place", "born birthplace native comes-from", "出生 出生地 生于 来自 籍贯 故乡"),
    "birth": ("date", "born birth birthday first-saw", "出生 生于 生日 诞生 来到人世"),
    "death": ("date", "dies died death dead", "去世 逝世 死于 死亡"),
    "profession": ("", "profession job occupation for-a-living earns-a-living works-as work-as", "职业 工作 谋生 一名 从事"),
    "children": ("count", "child children kids sons daughters", "孩子 子女 儿女 儿子 女儿"),
    "spouse": ("person", "wife husband married marry spouse", "妻子 丈夫 结婚 配偶"),
    "teacher": ("person", "teacher taught learned teach pupil", "老师 师从 教 师傅"),
    "moving": ("date", "move moved capital", "搬到 首都 安家 定居 迁"),
    "river": ("river", "river flow lies-on", "河 流经 江 穿过 河边"),
    "market": ("weekday", "market traders", "集市 赶集 摆摊 市集"),
    "opening": ("time", "open opening close closing opening-hours", "开门 营业 关门 开放 几点"),
    "address": ("place", "address located location lies-in situated", "地址 位于 位置 坐落"),
    "phone": ("number", "phone telephone hotline", "电话 热线 手机号"),
    "email": ("email", "email e-mail mail", "邮箱 邮件 电子邮箱"),
    "delivery": ("duration", "deliver delivery ship shipping", "送货 发货 配送 快递 到货"),
    "returning": ("duration", "return returns send-back exchange", "退货 退换 退回 换货"),
    "refund": ("", "refund money-back reimburse", "退款 报销 退钱"),
    "cancelling": ("", "cancel cancellation terminate notice", "取消 解约 终止 解除"),
    "leave": ("duration", "leave holiday vacation days-off", "年假 假期 休假 请假"),
    "salary": ("money", "salary wage earn paid", "工资 薪水 薪资 月薪 年薪"),
    "deadline": ("date", "deadline due submit until expire", "截止 期限 到期 之前提交"),
    "payment": ("", "payment pay-by card cash invoice", "付款 支付 刷卡 现金 发票"),
    "colour": ("", "colour color", "颜色"),
    "material": ("", "material made-of consist", "材料 材质 制成"),
    "cleaning": ("", "clean cleaning wash", "清洁 清洗 冲洗 擦"),
}  # fmt: skip
"""Relation -> (kind of its answer, English words, Chinese words). A hyphen stands for a blank."""

ASKED: tuple[tuple[str, str], ...] = (
    (r"\bhow many (?:kilos?|kilogra|gram|pound|ton)|几?多?少?公?斤几两|[几少](?:公斤|千克|吨|斤)|\bhow heavy\b|多重", "mass"),
    (r"\bhow many (?:euro|dollar|pound|cent|yuan)|\bhow (?:expensive|much money)\b|多少钱|[几少](?:元|块)", "money"),
    (r"\bhow many (?:hour|minute|second|day|week|month|year)s?\b|[几少](?:个)?(?:小时|分钟|天|个月|月|周|年)(?!级)|多久|多长时间"
     r"|\b(?:how much|after what|for what) time\b|\bhow long (?!is the (?:road|river|cable))|日子有多长", "duration"),
    (r"\bhow many (?:metre|meter|kilomet|mile|feet|foot|centimet)|[几少](?:米|公里|厘米|千米)|\bhow (?:high|tall|wide|deep|far)\b"
     r"|多[高宽深远]", "length"),
    (r"\b(?:which|what) (?:day of the week|weekday)\b|星期几|周几|礼拜几", "weekday"),
    (r"\b(?:which|what) day\b|哪一?天", "date"),
    (r"\b(?:which|what) (?:year|date|month)\b|哪一?[年月]|几[月号]", "day"),
    (r"\b(?:when|since when)\b|什么时候|何时|哪一?日", "date"),
    (r"\bwhat time\b|几点", "time"),
    (r"\b(?:who|whom|whose)\b|谁|何人|什么人|哪位", "person"),
    (r"\b(?:where|which (?:place|town|city|country))\b|哪里|哪儿|什么地方|何处|哪个(?:城市|国家|地方)", "place"),
    (r"\b(?:which|what) (?:river|stream|water)\b|什么[江河水]|哪条[江河]", "river"),
    (r"\bhow many\b|[多几](?:少)?(?:个|名|位|人|口|只|条|台|种|次)|几[个名位人]|多少", "count"),
    (r"\bhow much\b", "amount"),
)  # fmt: skip
"""(how a question asks, the kind of answer), the first that fits."""

_number = (
    r"(?:\d+(?:[.,]\d+)*|half an?|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|ninety)"
)
_numeral = r"(?:\d+(?:[.,]\d+)*|[零〇一二两三四五六七八九十百千万亿半]+)"
_day = "(?:mon|tues|wednes|thurs|fri|satur|sun)days?"
_month = "(?:january|february|march|april|may|june|july|august|september|october|november|december)"
_capitals = r"[A-Z][\w'’-]+(?: [A-Z][\w'’-]+)*"
_not_persons = rf"(?i:(?:the|a|an|in|on|at|since|from|by|under|{_day}|{_month})\b)"
_surname = "[王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文]"
_han = "[\u4e00-\u9fff]"

KINDS: dict[str, re.Pattern[str]] = {
    kind: re.compile(pattern)
    for kind, pattern in {
        "mass": rf"(?i:{_number}[ -]?(?:kg|kilos?|kilograms?|kilogrammes?|g|grams?|mg|lbs?|pounds?|ounces?|oz|tons?|tonnes?)\b)"
        rf"|{_numeral} ?(?:公斤|千克|克|吨|斤|kg)",
        "money": rf"(?i:[$€£¥] ?\d+(?:[.,]\d+)*|{_number} (?:euros?|dollars?|pounds|cents?|yuan|usd|eur|rmb|francs?|yen)\b)"
        rf"|{_numeral} ?(?:元|块钱|块|美元|欧元|人民币|角)",
        "duration": rf"(?i:{_number}[ -](?:(?:working|business|calendar) )?(?:years?|months?|weeks?|days?|hours?|minutes?|seconds?|h|min)\b)"
        rf"|{_numeral} ?(?:个)?(?:小时|钟头|分钟|秒钟?|天|工作日|日内|周|星期(?![一二三四五六日天])|月|个月)|(?<!\d)(?:\d{{1,2}}|[一二两三四五六七八九十半]+) ?年(?!\d|级|代)",
        "length": rf"(?i:{_number} ?(?:m|metres?|meters?|km|kilomet(?:re|er)s?|cm|centimet(?:re|er)s?|mm|millimet(?:re|er)s?|miles?|feet|foot|ft|inch(?:es)?)\b)"
        rf"|{_numeral} ?(?:米|公里|千米|厘米|毫米|里|英里|尺|寸)",
        "area": rf"(?i:{_number} (?:square \w+|hectares?|acres?)\b)|{_numeral} ?(?:平方\w+|公顷|亩)",
        "volume": rf"(?i:{_number} ?(?:l|litres?|liters?|ml|millilitres?|gallons?|cubic \w+)\b)|{_numeral} ?(?:升|毫升|立方米)",
        "temperature": rf"(?i:{_number} ?(?:°\s?[cf]?|degrees?))|{_numeral} ?(?:摄氏度|℃|°C|度)",
        "power": rf"(?i:{_number} ?(?:w|watts?|kw|kilowatts?)\b)|{_numeral} ?(?:瓦|千瓦)",
        "speed": rf"(?i:{_number} (?:km/h|mph|kilomet(?:re|er)s? (?:per|an) hour|knots))|时速{_numeral}\w*|{_numeral} ?(?:公里/小时|千米/小时)",
        "date": rf"(?i:(?:\d{{1,2}}(?:st|nd|rd|th)? )?\b{_month}\b(?: \d{{1,2}}(?:st|nd|rd|th)?\b)?(?:,? \d{{4}})?|\d{{4}}-\d{{2}}-\d{{2}}|\b1[0-9]\d\d\b(?!\s*[a-z年])|\b20\d\d\b(?!\s*[a-z年]))"
        r"|(?<=[Ii]n )(?:1\d|20)\d\d\b|(?<=[Ss]ince )(?:1\d|20)\d\d\b|(?:公元前?)?(?:\d{3,4}|[一二三四五六七八九〇零]{4})年(?:\d{1,2}月)?(?:\d{1,2}日)?|\d{1,2}月\d{1,2}日",
        "weekday": rf"(?i:\b{_day}\b)|(?:星期|周|礼拜)[一二三四五六日天]",
        "time": r"(?i:\b\d{1,2}(?::\d{2})?\s?(?:am|pm|a\.m\.|p\.m\.|o'clock)|\b\d{1,2}:\d{2}\b)|[上下中早晚]?[午上]?\d{1,2}[点时](?:\d{1,2}分|半)?|[早晚上下中]+[午上]?[一二三四五六七八九十两]+点半?",
        "percent": rf"{_numeral} ?(?:%|％|per cent|percent)|百分之{_numeral}",
        "email": r"[\w.+-]+@[\w-]+\.[\w.-]+",
        "number": r"\+?\d[\d -]{4,}\d",
        "person": rf"(?!{_not_persons})(?<!river )[A-Z][\w'’-]+(?: (?:[A-Z]\.|von|van|de|[A-Z][\w'’-]+))+|(?:(?<=\bby )|(?<=\bfrom )|(?<=\bMr )|(?<=\bMrs )|(?<=\bDr )"
        rf"|(?<=\bis )|(?<=\bwas )|(?<=\bmayor )|(?<=\bcalled )|(?<=\bnamed )|(?<=: ))(?!{_not_persons}){_capitals}|(?:(?<=[由是从叫为跟向被请给自和与：:、，,])|(?<=工程师)|(?<=[计教律医]师)|(?<=匠人)|(?<=[专作画]家)|(?<=[会校市镇村院]长)|(?<=经理)|(?<=教授)|(?<=主任))(?:{_surname}{_han}{{1,2}}?)(?=[主担设写著编执领教的之发建画造修，。、；]|$)|^{_surname}{_han}{{1,2}}(?=[主担执领])",
        "place": rf"(?<=\bin )(?:the )?{_capitals}|(?<=\bfrom )(?:the )?{_capitals}|(?<=\bat )(?:the )?{_capitals}|(?<=\bof ){_capitals}|(?<=\bnear ){_capitals}"
        rf"|(?<=\bon ){_capitals}|(?:(?<=在)|(?<=于)|(?<=来自)|(?<=自)|(?<=到)){_han}{{2,8}}?(?:省|市|县|镇|乡|村|港|城|区|街|路|国|州|岛|楼|室|馆|厅|园|号)"
        rf"|(?<=是){_han}{{2,6}}?(?:省|市|县|镇|村|港|城)(?=人)",
        "river": rf"(?i:river |stream )?(?<=river ){_capitals}|{_capitals} (?:River|Creek|Brook)|{_han}{{2,3}}(?:河|江|溪)",
        "count": rf"(?i:(?<!\bin )(?<!\bsince )(?<!\byear )(?<!\bof )\b{_number}\b)(?!\s?(?:kg|kilo|gram|euro|dollar|hour|minute|second|month|year|day|week|on one charge|metre|meter|km|%|年))"
        rf"|(?!一[名人个位]){_numeral}(?= ?(?:名|人|个(?!月|小时)|位|口|户|只|条|台|种|次|所|座|家))",
    }.items()
}  # fmt: skip
"""Kind of answer -> what it looks like in a text, in either language."""

UNITS = ("mass", "money", "duration", "length", "area", "volume", "temperature", "power", "speed", "percent")
"""Kinds that an amount may be of."""

COMMON = frozenset(
    "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里用道行所然家种事成方多"
    "经么去法学如都同现当没动面起看定天分还进好小部其些主样理心她本前开但因只从想实日军者意无力它与长把机十民第公此已工使情明性"
    "知全三又关点正业外将两高间由问很最重并物手应战向头文体政美相见被利什二等产或新己制身果加西月话合回特代内信表化老给世位次度"
    "门任常先海通教儿原东声提立及比员解水名真论处走义各入几口认条平系气题活更别打女变四总何电数安少报才结反受目太量再感建务做接"
    "必场件计管期市直资命指许统区保至队形社便空决治展科五基眼书非则听白却界达光放强即像难且权思象完设式色路记南品住告类求据程北"
    "边死该交规万取望觉术领共确传师观清今切院让识候带导争运离充满按靠每逢养售卖搬称买镇请谁哪吗呢吧啊您"
)
"""The commonest Chinese characters, of which names have few."""
