"""The Chinese of the report and of other rooms' messages: English -> Chinese. Room: report/. Used by words.py."""

CHINESE: dict[str, str] = {
    # headings
    "Textmill report": "Textmill 报告",
    "Skip to the text": "跳到正文",
    "Contents": "目录",
    "How good is it?": "它有多好？",
    "Loss by step": "各步的损失",
    "Samples by step": "各步写出的样例",
    "What this model cannot do": "这个模型做不到的事",
    "What to try next": "接下来可以试试",
    "What it read": "它读了什么",
    "All numbers, floors and intervals": "全部数字、基线与区间",
    "How the numbers were taken": "数字是怎样测得的",
    "How it was made": "它是怎样做出来的",
    "Configuration": "配置",
    # the head
    "step %(step)s": "第 %(step)s 步",
    "step %(step)s of %(steps)s": "第 %(step)s 步，共 %(steps)s 步",
    "step not known": "步数不详",
    "%(n)s parameters": "%(n)s 个参数",
    "made %(when)s": "建于 %(when)s",
    "finished": "已完成",
    "unfinished": "未完成",
    "training now": "训练中",
    "prepared, not trained": "已备好文本，未训练",
    "English": "英文",
    "Chinese": "中文",
    "other scripts": "其他文字",
    # the verdict
    "Not measured.": "尚未测量。",
    "bits per byte": "比特/字节",
    "interval": "区间",
    "%(percent)s %% interval": "%(percent)s %% 置信区间",
    "no interval was computed": "没有计算区间",
    "Nothing was measured on held-out text yet. This command does it:": "还没有在留出的文本上测量过。用这条命令测量：",
    "The measurement does not hold this number. Measure the run again:": "测量结果里没有这个数字。请重新测量：",
    "The run stands at step %(step)s of %(steps)s and nothing was measured on held-out text yet. "
    "The same training command continues it; this one measures it as it is:": (
        "训练停在第 %(step)s 步（共 %(steps)s 步），还没有在留出的文本上测量过。"
        "重复同一条训练命令即可接着训练；下面这条命令测量它现在的样子："
    ),
    "The number is not finite: this model gives some text of the held-out part no probability at all.": (
        "这个数不是有限值：留出的文本里，有的内容在这个模型看来概率为零。"
    ),
    "No better than guessing: when every token is held equally likely, the same text takes %(bits)s bits per byte.": (
        "不比瞎猜好：把所有词元看成同样可能，同一段文本也只需每字节 %(bits)s 比特。"
    ),
    "No n-gram floor was measured beside this number, so it cannot be said from here whether it is good.": (
        "这个数旁边没有 n 元语法基线可比，所以单凭它说不出好坏。"
    ),
    "Does not beat its floor: %(floor)s needs %(bits)s bits per byte. Counting what follows what "
    "predicts this text as well or better.": (
        "没有胜过基线：“%(floor)s”每字节需 %(bits)s 比特。单靠统计前后相接的次数，预测这段文本就能一样好，甚至更好。"
    ),
    "Better than every floor; the best of them is %(floor)s at %(bits)s. No interval was computed.": (
        "胜过所有基线；其中最好的是“%(floor)s”，为 %(bits)s。没有计算区间。"
    ),
    "Better than every floor, but not by more than chance could make: the best of them, %(floor)s at %(bits)s, "
    "lies inside the interval.": (
        "胜过所有基线，但差距仍可能出于偶然：其中最好的“%(floor)s”为 %(bits)s，落在区间之内。"
    ),
    "Better than every floor. Beside the best of them, %(floor)s at %(bits)s, the paired difference lies between "
    "%(low)s and %(high)s.": (
        "胜过所有基线。与其中最好的“%(floor)s”（%(bits)s）相比，配对差值在 %(low)s 与 %(high)s 之间。"
    ),
    "Better than every floor, but not by more than chance could make: beside the best of them, %(floor)s at %(bits)s, "
    "the paired difference lies between %(low)s and %(high)s.": (
        "胜过所有基线，但差距仍可能出于偶然：与其中最好的“%(floor)s”（%(bits)s）相比，"
        "配对差值在 %(low)s 与 %(high)s 之间。"
    ),
    "Better than every floor: the whole interval lies below the best of them, %(floor)s at %(bits)s.": (
        "胜过所有基线：整个区间都低于其中最好的“%(floor)s”（%(bits)s）。"
    ),
    "Bits per byte, best first": "每字节比特数，最好的在前",
    "who predicts": "由谁预测",
    "%(floor)s: not measured.": "%(floor)s：没有测量。",
    "A bit per byte is a yes-or-no question that is left open for each byte of unseen text. A byte of which nothing at "
    "all is known, not even which characters occur, costs 8; less is better. Unlike perplexity it can be compared "
    "between tokenizers.": (
        "每字节一比特，相当于对没见过的文本，每个字节还剩一个“是或否”的问题没有答案。"
        "对一个字节一无所知、连会出现哪些字符也不知道，要花 8 比特；越少越好。"
        "与困惑度不同，它在不同的分词器之间可以相比。"
    ),
    "Measured on: %(part)s.": "测量所用：%(part)s。",
    "The thin line on the model's bar is its interval.": "模型横条上的细线是它的区间。",
    # floors
    "this model": "本模型",
    "n-gram over the model's tokens": "n 元语法（用模型的词元）",
    "n-gram over bytes": "n 元语法（用字节）",
    "uniform guessing": "均匀猜测",
    "counts which tokens follow which, smoothed (Kneser-Ney), fitted on the same training text": (
        "统计哪些词元前后相接，经 Kneser-Ney 平滑，用同一份训练文本拟合"
    ),
    "counts which bytes follow which, smoothed (Kneser-Ney), fitted on the same training text: no tokenizer helps it": (
        "统计哪些字节前后相接，经 Kneser-Ney 平滑，用同一份训练文本拟合；不借助分词器"
    ),
    "every token of the vocabulary equally likely: it knows which ones the training text has, and nothing else": (
        "词表里每个词元同样可能：只知道训练文本里有哪些词元，此外一无所知"
    ),
    # the curve
    "training": "训练",
    "validation": "验证",
    "step": "步",
    "loss, nats per token": "损失（纳特/词元）",
    "There is no curve yet: no step was logged with a loss that is a number.": (
        "还没有曲线：日志里没有一步的损失是有效数字。"
    ),
    "Training loss is that of the single updates, validation loss that of the held-out part.": (
        "训练损失取自每一次更新，验证损失取自留出的部分。"
    ),
    "The floors stand as measured on: %(part)s. The one over bytes has another unit; see bits per byte above.": (
        "基线的测量所用：%(part)s。以字节为单位的那条单位不同，见上文的每字节比特数。"
    ),
    "%(n)s logged steps in numbers": "日志中 %(n)s 步的数字",
    " (those with an evaluation; all %(n)s are in metrics.jsonl)": "（只列做过评测的；全部 %(n)s 步见 metrics.jsonl）",
    "The curve in numbers": "曲线的数字",
    "training loss": "训练损失",
    "validation loss": "验证损失",
    "validation, bits per byte": "验证（比特/字节）",
    "learning rate": "学习率",
    # samples
    "What the model wrote as it learned, as it came: nothing was chosen, nothing corrected. A prompt stands in bold; "
    "hidden characters are shown as escapes.": (
        "模型在学习途中写下的文字，原样照录：没有挑选，没有改动。提示用粗体，看不见的字符以转义形式显示。"
    ),
    "sample": "样例",
    "prompt": "提示",
    "nothing was written": "什么也没有写出",
    "No sample was written yet.": "还没有写出样例。",
    "%(n)s more steps in between": "中间还有 %(n)s 个步数",
    "Loop rate: the share of text that repeats what stood just before": "循环率：重复前文的文字所占的比例",
    "the model's samples": "模型的样例",
    "the held-out text": "留出的文本",
    "No limits were recorded with this run. That does not mean that there are none.": (
        "这次运行没有记下局限。这不等于没有局限。"
    ),
    # the text
    "Parts of the text": "文本的各部分",
    "part": "部分",
    "documents": "文档",
    "tokens": "词元",
    "bytes": "字节",
    "characters": "字符",
    "training text": "训练文本",
    "validation text": "验证文本",
    "test text": "测试文本",
    "About the text": "关于文本",
    "Decided without being asked, and found": "自动做出的决定与发现",
    "%(n)s records that could not be read": "%(n)s 条记录无法读取",
    "The byte ledger": "字节账本",
    "Every byte of the input is in the training, validation or test part, or was left out for a named reason. The "
    "categories add up to the size of the files.": (
        "输入的每一个字节，要么进了训练、验证或测试文本，要么因写明的原因被舍去。各类相加，正好是文件的大小。"
    ),
    "All bytes of the input, by what became of them.": "输入的全部字节，按去向分类。",
    "Bytes by category": "各类字节数",
    "category": "类别",
    "Bytes by file, largest first": "各文件的字节数，大的在前",
    "The other files": "其余文件",
    "%(n)s smaller files": "另有 %(n)s 个较小的文件",
    "file": "文件",
    "encoding": "编码",
    "No ledger was recorded with this run.": "这次运行没有记下账本。",
    "markup": "标记",
    "unused column": "未用的列",
    "duplicate": "重复",
    "bad record": "坏记录",
    "empty": "空白",
    "other: %(name)s": "其他：%(name)s",
    "the model learned from it": "模型从中学习",
    "held out, to choose the checkpoint by": "留出，用来挑选检查点",
    "held out, for the final numbers": "留出，用来得出最终数字",
    "delimiters, quotes, keys, line ends: a record's bytes minus those of its values": (
        "分隔符、引号、键名、换行：一条记录的字节减去各个值的字节"
    ),
    "values of columns that were not asked for": "没有要求使用的列的值",
    "documents that repeat an earlier one": "与前面某篇重复的文档",
    "records that could not be read": "无法读取的记录",
    "records and lines without text": "没有文字的记录和行",
    # words inside the notes
    "train": "训练",
    "test": "测试",
    "validation or test": "验证或测试",
    "none": "无",
    "%(n)s bytes": "%(n)s 字节",
    "other:%(name)s": "其他：%(name)s",
    "%(where)s: %(what)s": "%(where)s：%(what)s",
    "%(what)s (%(hint)s)": "%(what)s（%(hint)s）",
    "%(these)s, %(this)s": "%(these)s、%(this)s",
    "%(these)s; %(this)s": "%(these)s；%(this)s",
    "%(names)s and %(n)s more": "%(names)s，另有 %(n)s 项",
    # what is read and what is not
    "Named more than once and read once: %(names)s.": "多次列出，只读一次：%(names)s。",
    "%(file)s has no extension and is read as plain text.": "%(file)s 没有扩展名，按纯文本读取。",
    "From about %(place)s on the two sides are out of step by %(n)s: there the translation of each text stands "
    "%(where)s. Nothing should be trained on that.": (
        "大约从 %(place)s 起两边错开了 %(n)s 行：那里每一行的译文要%(where)s找。不应当用它训练。"
    ),
    "further down": "往下",
    "further up": "往上",
    "%(n)s pair has the same text on both sides: %(places)s.": "有 %(n)s 对两边文字相同：%(places)s。",
    "%(n)s pairs have the same text on both sides: %(places)s.": "有 %(n)s 对两边文字相同：%(places)s。",
    "%(n)s pair has a side that is over four times longer or shorter than such pairs are here: %(places)s.": (
        "有 %(n)s 对的一边比这里通常的长度长或短四倍以上：%(places)s。"
    ),
    "%(n)s pairs have a side that is over four times longer or shorter than such pairs are here: %(places)s.": (
        "有 %(n)s 对的一边比这里通常的长度长或短四倍以上：%(places)s。"
    ),
    "%(amount)s in pairs: pieces of words as tokens (bpe), %(n)s ids for both sides": (
        "%(amount)s，成对：以词的片段为词元（bpe），两种语言共 %(n)s 个"
    ),
    "%(amount)s in pairs: pieces of words as tokens (bpe), %(n)s ids for each side": (
        "%(amount)s，成对：以词的片段为词元（bpe），每种语言各 %(n)s 个"
    ),
    "Each side has a vocabulary of its own: %(n)s ids of sources, %(m)s of targets.": (
        "两边各有词表：原文 %(n)s 个编号，译文 %(m)s 个。"
    ),
    "%(one)s is read with %(other)s, which lies beside it.": "%(one)s 与旁边的 %(other)s 配对读入。",
    "Without a translation beside them, counted as %(category)s: %(names)s.": (
        "旁边没有译文，计为“%(category)s”：%(names)s。"
    ),
    "%(n)s pair is longer than model.seq_len (%(seq_len)s tokens) and is not trained on.": (
        "有 %(n)s 对句子超过 model.seq_len（%(seq_len)s 个词元），不用于训练。"
    ),
    "%(n)s pairs are longer than model.seq_len (%(seq_len)s tokens) and are not trained on.": (
        "有 %(n)s 对句子超过 model.seq_len（%(seq_len)s 个词元），不用于训练。"
    ),
    "%(n)s translation lacks a number, an address, a tag or a placeholder of its line: line %(first)s: %(what)s": (
        "有 %(n)s 条译文缺少原文中的数字、网址、标签或占位符：第 %(first)s 行：%(what)s"
    ),
    "%(n)s translations lack a number, an address, a tag or a placeholder of their lines, first line %(first)s: "
    "%(what)s": "有 %(n)s 条译文缺少原文中的数字、网址、标签或占位符，最先是第 %(first)s 行：%(what)s",
    "The runs have other tokens: compare bits per byte, not loss or perplexity.": (
        "两次训练的词元不同：请比较每字节比特数，不要比较损失或困惑度。"
    ),
    "By %(score)s nothing can be said: one document has no interval.": (
        "就 %(score)s 而言无法判断：只有一篇文档，没有区间。"
    ),
    "What each token looked at": "每个词元看向何处",
    "Each row is a token of the translation; the darker a square, the more it looked at that token.": (
        "每行是译文的一个词元；方格越深，越关注原文中的那个词元。"
    ),
    "%(name)s is read from %(one)s to %(other)s.": "%(name)s：由 %(one)s 译为 %(other)s。",
    "%(n)s translation lacks a term of the glossary: line %(first)s: %(what)s": (
        "有 %(n)s 条译文缺少术语表中的译法：第 %(first)s 行：%(what)s"
    ),
    "%(n)s translations lack a term of the glossary, first line %(first)s: %(what)s": (
        "有 %(n)s 条译文缺少术语表中的译法，最先是第 %(first)s 行：%(what)s"
    ),
    "BLEU is %(bleu)s.": "BLEU 为 %(bleu)s。",
    "The source as it stands would have %(bleu)s.": "原文照抄是 %(bleu)s。",
    "Word by word, by a dictionary, it would be %(bleu)s.": "按词典逐词翻译是 %(bleu)s。",
    "That is no translation yet: train longer, or on more pairs.": "这还算不上翻译：请训练更久，或使用更多句对。",
    "%(n)s pair has a side that seems to be in the language of the other side: %(places)s.": (
        "有 %(n)s 个句对的一边像是另一边的语言：%(places)s。"
    ),
    "%(n)s pairs have a side that seems to be in the language of the other side: %(places)s.": (
        "有 %(n)s 个句对的一边像是另一边的语言：%(places)s。"
    ),
    "the file ends inside a unit (<tu>)": "文件在一个单元（<tu>）中间结束",
    "this unit is no XML (%(error)s)": "这个单元不是 XML（%(error)s）",
    "By %(score)s this text shows no difference.": "就 %(score)s 而言，这份文本看不出差别。",
    "By %(score)s %(name)s is better.": "就 %(score)s 而言，%(name)s 更好。",
    "%(n)s translations did not end within generate.max_new_tokens and are cut there.": (
        "有 %(n)s 条译文到 generate.max_new_tokens 仍未结束，在那里截断。"
    ),
    "%(n)s translation did not end within generate.max_new_tokens and is cut there.": (
        "有 %(n)s 条译文到 generate.max_new_tokens 仍未结束，在那里截断。"
    ),
    "Not read, counted as %(category)s: %(what)s.": "未读取，计为“%(category)s”：%(what)s。",
    "Not read, because it is damaged: %(names)s.": "已损坏，未读取：%(names)s。",
    "An archive inside an archive is read, one inside of that is not: %(names)s. Unpack the outermost one, and "
    "name the folder.": (
        "压缩包里再套一层压缩包会读取，更深一层的不读：%(names)s。请解开最外层，再指定解开后的文件夹。"
    ),
    "Links inside folders and archives are not followed: %(names)s.": ("不跟随文件夹和压缩包里的链接：%(names)s。"),
    "Hidden folders are not entered: %(names)s.": "不进入隐藏文件夹：%(names)s。",
    "Run folders are not text and are not entered: %(names)s.": "运行文件夹不是文本，不进入：%(names)s。",
    "Neither files nor folders, not read: %(names)s.": "既不是文件也不是文件夹，未读取：%(names)s。",
    "%(file)s is read as %(encoding)s, nearly as likely is another: %(readings)s (--encoding decides).": (
        "%(file)s 按 %(encoding)s 读取，但另有几乎同样可能的编码：%(readings)s（可用 --encoding 指定）。"
    ),
    "as %(encoding)s: %(lines)s": "按 %(encoding)s 是 %(lines)s",
    "Not taken as a split, because no other file is named train: %(names)s.": (
        "没有名为 train 的文件，因此下列文件不按名称划分：%(names)s。"
    ),
    "The names say test or validation for all files: they are split as if they had no such names.": (
        "所有文件的名称都指向测试或验证：照没有这类名称来划分。"
    ),
    "Taken as %(part)s text by name: %(names)s.": "按名称作为%(part)s文本：%(names)s。",
    "No split name, taken as train text: %(names)s.": "名称不指向任何部分，作为训练文本：%(names)s。",
    "%(file)s is not used (%(category)s): %(flag)s names other files.": (
        "%(file)s 没有使用（%(category)s）：%(flag)s 指定了别的文件。"
    ),
    "Used for %(part)s alone, because %(flag)s names it: %(names)s.": ("由 %(flag)s 指定，只用于%(part)s：%(names)s。"),
    "%(file)s is one line: where its lines should end stands a lone CR (0x0D), as in very old files, and that is text "
    "here. tr '\\r' '\\n' <OLD >NEW makes lines of it.": (
        "%(file)s 只有一行：本该换行的地方只有一个 CR（0x0D），很旧的文件才这样，在这里它算作文字。"
        "用 tr '\\r' '\\n' <OLD >NEW 可以变成多行。"
    ),
    "%(file)s: quotes are taken as plain characters, because as quoting they do not go together.": (
        "%(file)s：引号无法成对，按普通字符处理。"
    ),
    "%(file)s: columns are separated by %(these)s, not by %(usual)s.": (
        "%(file)s：各列用%(these)s分隔，而不是用%(usual)s。"
    ),
    "commas": "逗号",
    "semicolons": "分号",
    "tabs": "制表符",
    "%(file)s: read as JSON lines: an object a line.": "%(file)s：按 JSON lines 读取，每行一个对象。",
    "%(file)s: the records are what stands under '%(key)s'.": "%(file)s：“%(key)s”之下的内容就是各条记录。",
    "%(file)s: %(what)s is never closed.": "%(file)s：%(what)s没有结束。",
    "%(file)s: %(what)s is never closed: all behind it is markup.": (
        "%(file)s：%(what)s没有结束，其后的内容全部算作标记。"
    ),
    "a comment": "一段注释",
    "a tag or declaration": "一个标签或声明",
    "%(file)s: no page has text: it is probably scanned, and needs text recognition (OCR) first.": (
        "%(file)s：没有一页有文字，大概是扫描件，需要先做文字识别（OCR）。"
    ),
    "%(file)s: %(n)s page without text, probably pictures: text in them is not read.": (
        "%(file)s：有 %(n)s 页没有文字，大概是图片；图片里的文字不会读取。"
    ),
    "%(file)s: %(n)s pages without text, probably pictures: text in them is not read.": (
        "%(file)s：有 %(n)s 页没有文字，大概是图片；图片里的文字不会读取。"
    ),
    "%(file)s: half a surrogate pair, which no text can hold, is read as U+FFFD.": (
        "%(file)s：有半个代理对，文本里不可能有这样的字符，读作 U+FFFD。"
    ),
    "%(file)s: text may be missing, the file is not quite well formed: %(what)s.": (
        "%(file)s：可能缺少文字，因为文件不完全合乎规范：%(what)s。"
    ),
    # where each document goes
    "Left out, %(records)s; the first is %(first)s (--strict stops there).": (
        "已略去 %(records)s；第一条是 %(first)s（加上 --strict 就会在那里停下）。"
    ),
    "%(n)s bad record": "%(n)s 条坏记录",
    "%(n)s bad records": "%(n)s 条坏记录",
    "Left out, %(n)s place without text: %(places)s.": "已略去 %(n)s 处没有文字的地方：%(places)s。",
    "Left out, %(n)s places without text: %(places)s.": "已略去 %(n)s 处没有文字的地方：%(places)s。",
    "There is no %(part)s part: data.%(share)s is 0.": "没有%(part)s部分：data.%(share)s 为 0。",
    "Dropped, %(n)s repeat (data.duplicates %(rule)s); the first is kept.": (
        "已去掉 %(n)s 篇重复的文档（data.duplicates %(rule)s），保留最先出现的一篇。"
    ),
    "Dropped, %(n)s repeats (data.duplicates %(rule)s); the first is kept.": (
        "已去掉 %(n)s 篇重复的文档（data.duplicates %(rule)s），保留最先出现的一篇。"
    ),
    "Repeats of an earlier document: %(exact)s exact, %(normalised)s after normalisation. Repeats stand together on "
    "one side (--data.duplicates exact or normalised drops them).": (
        "与前面某篇重复的文档：完全相同的 %(exact)s 篇，归一化后相同的 %(normalised)s 篇。"
        "重复的文档总在划分的同一边（--data.duplicates exact 或 normalised 会去掉它们）。"
    ),
    "Nearly equal to another document: %(n)s document; such documents stand together on one side.": (
        "与另一篇几乎相同的文档：%(n)s 篇；这样的文档总在划分的同一边。"
    ),
    "Nearly equal to another document: %(n)s documents; such documents stand together on one side.": (
        "与另一篇几乎相同的文档：%(n)s 篇；这样的文档总在划分的同一边。"
    ),
    "Standing whole within one other text: %(n)s text; it is held out together with that one.": (
        "整篇出现在另外唯一一篇文本之中：%(n)s 篇；它总与那一篇分在划分的同一边。"
    ),
    "Standing whole within one other text: %(n)s texts; each is held out together with that one.": (
        "整篇出现在另外唯一一篇文本之中：%(n)s 篇；它们总与各自的那一篇分在划分的同一边。"
    ),
    "Near duplicates were not looked for in %(megabytes)s MB (--data.near_duplicates on does, in about %(minutes)s "
    "minutes): nearly equal documents may stand on both sides of the split.": (
        "文本有 %(megabytes)s MB，没有查找近似重复（--data.near_duplicates on 会查找，约需 %(minutes)s 分钟）："
        "几乎相同的文档可能分在划分的两边。"
    ),
    "Dropped from %(part)s, %(n)s document that also stand in the %(others)s text.": (
        "已从%(part)s文本中去掉 %(n)s 篇文档，因为它们也出现在%(others)s文本中。"
    ),
    "Dropped from %(part)s, %(n)s documents that also stand in the %(others)s text.": (
        "已从%(part)s文本中去掉 %(n)s 篇文档，因为它们也出现在%(others)s文本中。"
    ),
    "There is no test part: there are fewer than %(few)s documents (%(n)s). Another --data.test_share than the default "
    "holds one out all the same.": (
        "没有测试部分：文档不到 %(few)s 篇（%(n)s 篇）。把 --data.test_share 设为默认值以外的数，就会照样留出。"
    ),
    "There is no test part: there are fewer than %(few)s lines (%(lines)s) and than %(few_bytes)s bytes (%(bytes)s). "
    "Another --data.test_share than the default holds one out all the same.": (
        "没有测试部分：文本不到 %(few)s 行（%(lines)s 行），也不到 %(few_bytes)s 字节（%(bytes)s 字节）。"
        "把 --data.test_share 设为默认值以外的数，就会照样留出。"
    ),
    "There is no %(part)s part: %(documents)s documents make only %(texts)s, and equal ones stay on one side.": (
        "没有%(part)s部分：%(documents)s 篇文档只有 %(texts)s，而相同的文本总在划分的同一边。"
    ),
    "%(n)s different text": "%(n)s 篇不同的文本",
    "%(n)s different texts": "%(n)s 篇不同的文本",
    "There is no %(part)s part: %(source)s is too short to be cut.": "没有%(part)s部分：%(source)s 太短，无法切分。",
    "The %(part)s part holds %(held)s of the text instead of %(asked)s, because a document is held out whole "
    "(--data.unit line or paragraph makes smaller documents of plain text).": (
        "%(part)s部分占文本的 %(held)s，而不是 %(asked)s，因为文档总是整篇留出"
        "（对纯文本可用 --data.unit line 或 paragraph，把文档分得更小）。"
    ),
    "%(source)s is all there is, one line of %(n)s byte: nothing is held out, validation is off.": (
        "全部文本只有 %(source)s 这一行，共 %(n)s 字节：不留出任何文本，也不做验证。"
    ),
    "%(source)s is all there is, one line of %(n)s bytes: nothing is held out, validation is off.": (
        "全部文本只有 %(source)s 这一行，共 %(n)s 字节：不留出任何文本，也不做验证。"
    ),
    "There is one document, so it is cut into contiguous blocks %(how)s: %(places)s.": (
        "只有一篇文档，所以%(how)s切成连续的区块：%(places)s。"
    ),
    "at line ends": "在行尾",
    "inside lines, because its lines are too long": "在行内（因为行太长）",
    "%(part)s from %(source)s": "%(part)s从 %(source)s 开始",
    # why a file is no text
    "not a text: %(why)s": "不是文本：%(why)s",
    "byte 0: it starts like %(kind)s": "第 0 字节：开头与“%(kind)s”相符",
    "a PNG picture": "PNG 图片",
    "a JPEG picture": "JPEG 图片",
    "a GIF picture": "GIF 图片",
    "a PDF document": "PDF 文档",
    "a zip archive": "zip 压缩包",
    "a 7z archive": "7z 压缩包",
    "a rar archive": "rar 压缩包",
    "a program": "程序",
    "an old Office document": "旧版 Office 文档",
    "a database": "数据库",
    "sound or a picture": "声音或图片",
    "sound": "声音",
    "byte %(place)s: %(what)s, and no encoding that is read makes it a text": (
        "第 %(place)s 字节：%(what)s，按任何一种可读的编码都不成文本"
    ),
    "this byte and others are not UTF-8": "这个字节和另一些字节不是 UTF-8",
    "this and other bytes are NUL": "这个字节和另一些字节是 NUL",
    "cannot be unpacked: %(error)s": "无法解压：%(error)s",
    "holds %(n)s entries; the limit is %(most)s": "含有 %(n)s 个条目，上限是 %(most)s 个",
    "unpacks to more than %(most)s bytes from %(packed)s: more than %(times)s times, as only a decompression bomb or "
    "text without content does": (
        "从 %(packed)s 字节解压出 %(most)s 字节以上，超过 %(times)s 倍：只有解压炸弹或没有内容的文本才会这样"
    ),
    "unpacks to more than %(n)s MiB, the limit for one file": "解压后超过 %(n)s MiB，这是单个文件的上限",
    "such a file is mostly made to fill memory; if it is not, store its text as .txt": (
        "这样的文件多半是为了占满内存而做的；如果不是，请把其中的文字存为 .txt"
    ),
    "reading %(ending)s needs %(package)s, which is not installed": "读取 %(ending)s 需要 %(package)s，而它没有安装",
    "damaged, or no %(kind)s: %(error)s": "已损坏，或者不是 %(kind)s：%(error)s",
    "is locked with a password": "有密码保护",
    "is locked (DRM) and cannot be read": "有版权保护（DRM），无法读取",
    "is an old Word file (.doc) or locked with a password": "是旧版 Word 文件（.doc），或者有密码保护",
    "is encrypted, and reading it needs another package (%(error)s)": "已加密，读取它还需要另一个软件包（%(error)s）",
    "is no DOCX: it names no main part": "不是 DOCX：没有指明正文部分",
    "is no EPUB: it names no book": "不是 EPUB：没有指明书的内容",
    "its XML declares a document type (DTD), which is refused": "其中的 XML 声明了文档类型（DTD），不予读取",
    "save it without one first": "请先另存为没有密码的文件",
    "save it without encryption, or: pip install cryptography": "请存为不加密的文件，或者：pip install cryptography",
    "open it and save it as .docx without a password": "请打开它，另存为没有密码的 .docx",
    "fetch it anew, or print it to a new PDF": "请重新获取，或者打印成新的 PDF",
    "fetch it anew, or save it again": "请重新获取，或者重新保存",
    "fetch or write it anew": "请重新获取或重新生成",
    # why a record cannot be read
    "byte %(position)s of the file: %(bytes)s cannot stand there in %(encoding)s": (
        "文件的第 %(position)s 字节：按 %(encoding)s，这里不能是 %(bytes)s"
    ),
    "a quote is opened and never closed": "引号没有结束",
    "not well formed: %(error)s": "格式不正确：%(error)s",
    "%(n)s fields where %(wanted)s are expected": "有 %(n)s 个字段，而应有 %(wanted)s 个",
    "no key '%(key)s' (there are: %(keys)s)": "没有键“%(key)s”（现有：%(keys)s）",
    "the key '%(key)s' stands twice": "键“%(key)s”出现了两次",
    "%(what)s is %(kind)s, not a string": "%(what)s 是%(kind)s，不是字符串",
    "%(kind)s, not an object": "是%(kind)s，不是对象",
    "the string": "字符串",
    "true or false": "真假值",
    "a number": "数字",
    "a list": "列表",
    "an object": "对象",
    "a string": "字符串",
    "%(what)s holds half a surrogate pair (%(escape)s at character %(place)s), which no UTF-8 text can hold": (
        "%(what)s含有半个代理对（第 %(place)s 个字符处的 %(escape)s），UTF-8 文本里不可能有这样的字符"
    ),
    "column %(column)s": "第 %(column)s 列",
    "line %(line)s, column %(column)s": "第 %(line)s 行第 %(column)s 列",
    "not JSON: %(error)s (%(place)s)": "不是 JSON：%(error)s（%(place)s）",
    "not read: %(error)s": "未读取：%(error)s",
    "not read: nested too deeply": "未读取：嵌套太深",
    "not JSON: %(why)s (column %(column)s); nothing behind it can be read": (
        "不是 JSON：%(why)s（第 %(column)s 列）；其后的内容都无法读取"
    ),
    "a value is opened and never closed": "有一个值没有结束",
    "a value of more than %(n)s MiB: is a quote never closed?": "有一个值超过 %(n)s MiB：是不是有引号没有结束？",
    "expecting '%(what)s'": "这里应是“%(what)s”",
    "expecting a value": "这里应是一个值",
    "expecting a key in quotes": "这里应是带引号的键",
    "the file ends where a value is expected": "这里应是一个值，文件却已结束",
    "something follows the end": "结尾之后还有内容",
    "not UTF-8: %(error)s (byte %(place)s)": "不是 UTF-8：%(error)s（第 %(place)s 字节）",
    "the page cannot be read: %(error)s": "这一页无法读取：%(error)s",
    "the book lists this chapter and does not hold it": "书里列有这一章，却没有它的内容",
    "not in the encoding that it says: %(error)s": "与所声明的编码不符：%(error)s",
    "not Python that this Python can parse": "当前的 Python 无法解析这段源码",
    "no column %(names)s (there are: %(columns)s)": "没有列%(names)s（现有：%(columns)s）",
    "%(these)s or %(this)s": "%(these)s或%(this)s",
    "Not in the sample, because its first record alone is longer: %(file)s.": (
        "不在样本里，因为它的第一条记录就已超长：%(file)s。"
    ),
    "Read in blocks spread over %(n)s file: %(files)s.": "从 %(n)s 个文件里分散取块读取：%(files)s。",
    "Read in blocks spread over %(n)s files: %(files)s.": "从 %(n)s 个文件里分散取块读取：%(files)s。",
    "Only the beginning is read of %(n)s file: %(files)s.": "%(n)s 个文件只读了开头：%(files)s。",
    "Only the beginning is read of %(n)s files: %(files)s.": "%(n)s 个文件只读了开头：%(files)s。",
    "A file is one document, so the length of a document that is read in part is that of the part: %(files)s.": (
        "一个文件就是一篇文档，所以只读了一部分的文档，其长度是所读部分的长度：%(files)s。"
    ),
    # what a look measures
    "removals: %(path)s, %(n)s stretches, %(size)s": "清洗掉的内容：%(path)s，%(n)s 处，%(size)s",
    "label mistakes: %(what)s": "标签错误：%(what)s",
    "Which labels are likely wrong?": "哪些标签可能标错了？",
    "Labels that models deny which were not shown the texts": "没见过这些文本的模型不同意的标签",
    "place": "位置",
    "rather": "更像",
    "chance": "标错的概率",
    "It took %(n)s seconds.": "用时 %(n)s 秒。",
    "All are written in %(path)s.": "全部写在 %(path)s 里。",
    "%(n)s more are not shown; --mistakes-file FILE writes all.": (
        "还有 %(n)s 个没有列出；--mistakes-file FILE 会写下全部。"
    ),
    "Label mistakes are looked for where each text has one label.": "只有每条文本恰有一个标签时才查找标签错误。",
    "Label mistakes cannot be looked for: %(why)s.": "无法查找标签错误：%(why)s。",
    "Of %(all)s labels, %(n)s is a likely mistake.": "%(all)s 个标签里有 %(n)s 个可能标错了。",
    "Of %(all)s labels, %(n)s are likely mistakes.": "%(all)s 个标签里有 %(n)s 个可能标错了。",
    "Of those, %(precision)s are expected to be wrong indeed, by models that were not shown the texts; of all labels, "
    "%(share)s.": "据没见过这些文本的模型估计，其中 %(precision)s 确实是错的；在全部标签里约占 %(share)s。",
    "Heard were: %(voices)s.": "参与判断的模型：%(voices)s。",
    "Looked for in a seeded sample: %(n)s of %(all)s texts.": "在按种子抽取的样本里查找：%(all)s 条文本中的 %(n)s 条。",
    "words and characters": "词和字的模型",
    "phrases": "短语模型",
    "a network that reads in order": "按顺序阅读的网络",
    "leaks: %(why)s": "泄漏：%(why)s",
    "leaks": "泄漏",
    "documents at random": "随机留出文档",
    "repeats on one side": "重复的在同一边",
    "lines at random": "随机留出行",
    "whole blocks": "整块留出",
    "naive split": "随便一分",
    "training's split": "训练时的划分",
    "%(low)s to %(high)s": "%(low)s 到 %(high)s",
    "difference": "差",
    "tokens per character / bytes per token": "每字符词元数 / 每词元字节数",
    "ids": "词表",
    "all": "全部",
    "%(kind)s (training's choice)": "%(kind)s（训练会选它）",
    "Leaks cannot be measured: nothing is held out, or nothing is left to train on.": (
        "测不了泄漏：没有留出文本，或没有剩下训练文本。"
    ),
    "Leaks cannot be measured: nothing is held out, or nothing is left to train on in a sample of %(size)s.": (
        "测不了泄漏：在 %(size)s 的样本里没有留出文本，或没有剩下训练文本。"
    ),
    "Leaks cannot be measured in one document of %(n)s line: %(least)s are the least.": (
        "一篇只有 %(n)s 行的文档测不了泄漏：至少要 %(least)s 行。"
    ),
    "Leaks cannot be measured in one document of %(n)s lines: %(least)s are the least.": (
        "一篇只有 %(n)s 行的文档测不了泄漏：至少要 %(least)s 行。"
    ),
    "Of %(n)s document held out at random, %(leaked)s have an equal, nearly equal or grouped one in training.": (
        "随机留出的 %(n)s 篇文档里，有 %(leaked)s 篇在训练文本里有相同、几乎相同或同组的文档。"
    ),
    "Of %(n)s documents held out at random, %(leaked)s have an equal, nearly equal or grouped one in training.": (
        "随机留出的 %(n)s 篇文档里，有 %(leaked)s 篇在训练文本里有相同、几乎相同或同组的文档。"
    ),
    "A 5-gram model would look %(share)s better than it is, and one that remembers more better still.": (
        "五元模型会显得比实际好 %(share)s，记性更好的模型虚高更多。"
    ),
    "Tf-idf with logistic regression would seem to make %(share)s fewer mistakes than it makes, and a model that "
    "remembers more fewer still.": ("tf-idf 加逻辑回归看上去会比实际少犯 %(share)s 的错误，记得更多的模型会显得更少。"),
    "Leaks cannot be measured: %(why)s.": "无法测量泄漏：%(why)s。",
    "Training splits the text the same way: nothing leaks.": "训练时也这样划分：没有泄漏。",
    "The two scores differ by no more than chance: no leak shows.": "两个分数相差不超过偶然：看不出泄漏。",
    "Measured on a seeded sample of %(size)s of %(all)s, of long documents the first %(longest)s.": (
        "在 %(all)s 里按种子抽取的 %(size)s 样本上测得，长文档只取开头 %(longest)s。"
    ),
    "There is one document.": "只有一篇文档。",
    "With lines held out at random a 5-gram model would look %(share)s better than it is, because it reads their "
    "neighbours; training holds out blocks.": (
        "若随机留出行，五元模型会显得比实际好 %(share)s，因为它读到了相邻的行；训练时按整块留出。"
    ),
    "Lines held out at random are no easier than blocks: no leak shows.": "随机留出的行并不比整块容易：看不出泄漏。",
    "Measured on the %(size)s of %(all)s around the first cut.": "在 %(all)s 里第一个切口周围的 %(size)s 上测得。",
    "Training would choose: %(reason)s.": "训练会选：%(reason)s。",
    "Learned from and counted on a seeded sample of %(size)s of %(all)s: a vocabulary of all of the text differs a "
    "little.": "在 %(all)s 里按种子抽取的 %(size)s 样本上学习和计数：用全部文本学到的词表会略有不同。",
    "name one of them too: --%(knob)s NAME,NAME": "请把其中一列也写上：--%(knob)s NAME,NAME",
    "choose one with: --data.text NAME (where files differ: --data.text NAME,NAME)": (
        "请用 --data.text NAME 选定一列（各文件列名不同时：--data.text NAME,NAME）"
    ),
    "Chinese is cut into words by %(segmenter)s.": "中文由 %(segmenter)s 切分成词。",
    "%(path)s: the first %(n)s items of a world, in %(language)s, made with seed %(seed)s (others: %(other)s).": (
        "%(path)s：一个小世界的前 %(n)s 条，语言 %(language)s，种子 %(seed)s（换一个：%(other)s）。"
    ),
    "no column '%(name)s', and several that could hold the text (there are: %(columns)s)": (
        "没有列“%(name)s”，而可能存放文本的列不止一个（现有：%(columns)s）"
    ),
    "choose one with: --%(knob)s NAME": "请用 --%(knob)s NAME 选定一列",
    "two columns are called '%(name)s'": "有两列都叫“%(name)s”",
    "rename one of them": "请给其中一列改名",
    "the column '%(name)s' holds %(type)s, not strings": "列“%(name)s”里是 %(type)s，不是字符串",
    "columns of strings are: %(names)s. Choose one with: --data.text NAME": (
        "字符串列有：%(names)s。请用 --data.text NAME 选定一列"
    ),
    # texts with labels
    "label": "标签",
    "without a label": "没有标签",
    "the labels of the texts, or the answers to questions, as they are written": "文本的标签或问题的答案，按其写法",
    "texts without a label, which the task needs": "没有标签的文本，而这项任务需要标签",
    "the column '%(name)s' cannot be both the text and its label": "列“%(name)s”不能既是文本又是标签",
    "say which is which: --data.text NAME --data.label NAME": ("请分别说明：--data.text NAME --data.label NAME"),
    "several columns could hold the label: %(names)s": "可能存放标签的列不止一个：%(names)s",
    "several columns could hold the text: %(names)s": "可能存放文本的列不止一个：%(names)s",
    "no column is called as labels mostly are (there are: %(columns)s)": (
        "没有哪一列的名字像标签（现有：%(columns)s）"
    ),
    "no column is called as texts mostly are (there are: %(columns)s)": ("没有哪一列的名字像文本（现有：%(columns)s）"),
    "choose one with: --data.label NAME (a table without a header: --data.header false --data.columns text,label)": (
        "请用 --data.label NAME 选定一列（没有表头的表：--data.header false --data.columns text,label）"
    ),
    "no label in '%(column)s'": "“%(column)s”里没有标签",
    "%(text)s → %(label)s": "%(text)s：%(label)s",
    "%(file)s: the text is taken from '%(text)s', the label from '%(label)s' (--data.text and --data.label decide): "
    "%(rows)s.": (
        "%(file)s：文本取自“%(text)s”，标签取自“%(label)s”（由 --data.text 和 --data.label 决定）：%(rows)s。"
    ),
    "%(n)s column without a name: a text and its label are two": "%(n)s 列没有名字：文本和标签需要两列",
    "%(n)s columns without names: which one holds the text?": "%(n)s 列都没有名字：文本在哪一列？",
    "name them in order: --data.columns text,label": "请按顺序写出列名：--data.columns text,label",
    "'%(key)s' holds %(kind)s, and a label is a string or a number": ("“%(key)s”里是%(kind)s，而标签应是字符串或数字"),
    "a string alone has no label": "单独的字符串没有标签",
    "none or several lists of objects, and only one can be the records (there are: %(keys)s)": (
        "没有对象列表，或不止一个，而只能有一个是记录（现有：%(keys)s）"
    ),
    'write the records as a list: [{"text": "…", "label": "…"}, …]': (
        '请把记录写成列表：[{"text": "…", "label": "…"}, …]'
    ),
    "the column '%(name)s' holds %(type)s, not labels": "列“%(name)s”里是 %(type)s，不是标签",
    "labels are strings, numbers, true or false, or lists of them: --data.label NAME": (
        "标签可以是字符串、数字、真假值或它们的列表：--data.label NAME"
    ),
    "labels are not read from the format %(format)s": "不能从 %(format)s 格式读取标签",
    "read are .csv, .tsv, .jsonl, .json, .parquet, and a folder of texts for each class": (
        "可以读取 .csv、.tsv、.jsonl、.json、.parquet，以及每类一个文件夹的文本"
    ),
    "The label of a text is the name of its folder; files by label: %(classes)s.": (
        "文本的标签就是它所在文件夹的名字；各标签的文件数：%(classes)s。"
    ),
    "In no folder of a class, so without a label, counted as %(category)s: %(names)s.": (
        "不在任何类别的文件夹里，所以没有标签，计为“%(category)s”：%(names)s。"
    ),
    "nothing says the labels of these texts": "这些文本没有说明标签",
    "Name a table or JSON lines with a column for the text and one for the label (--data.text NAME --data.label NAME), "
    "or a folder that holds a folder of texts for each class: reviews/pos/1.txt reviews/neg/1.txt.": (
        "请给出一个表或 JSON lines，其中一列是文本，一列是标签（--data.text NAME --data.label NAME）；"
        "或给出一个文件夹，里面每类文本各有一个文件夹：reviews/pos/1.txt reviews/neg/1.txt。"
    ),
    "Left out, %(n)s text without a label: %(places)s (--strict stops there).": (
        "已略去 %(n)s 条没有标签的文本：%(places)s（加上 --strict 就会在那里停下）。"
    ),
    "Left out, %(n)s texts without a label: %(places)s (--strict stops there).": (
        "已略去 %(n)s 条没有标签的文本：%(places)s（加上 --strict 就会在那里停下）。"
    ),
    "%(n)s text has several labels.": "有 %(n)s 条文本带有多个标签。",
    "%(n)s texts have several labels.": "有 %(n)s 条文本带有多个标签。",
    "All texts have the label %(name)s: nothing can be told apart, so no classifier can be trained.": (
        "所有文本的标签都是 %(name)s：没有可区分的东西，所以无法训练分类器。"
    ),
    "%(name)s %(n)s (%(share)s)": "%(name)s：%(n)s（%(share)s）",
    "%(name)s %(n)s": "%(name)s：%(n)s",
    "%(n)s class: %(classes)s.": "%(n)s 个类别：%(classes)s。",
    "%(n)s classes: %(classes)s.": "%(n)s 个类别：%(classes)s。",
    "The %(part)s part holds no text of %(n)s class, though there are %(enough)s of it or more: %(names)s.": (
        "%(part)s部分里没有 %(n)s 个类别的文本，尽管它们各有 %(enough)s 条以上：%(names)s。"
    ),
    "The %(part)s part holds no text of %(n)s classes, though there are %(enough)s of each or more: %(names)s.": (
        "%(part)s部分里没有 %(n)s 个类别的文本，尽管它们各有 %(enough)s 条以上：%(names)s。"
    ),
    "Of the %(all)s held-out texts, %(n)s stood in the train text too, %(exact)s of them as exact copies.": (
        "留出的 %(all)s 条文本中，有 %(n)s 条原本也在训练文本里，其中 %(exact)s 条一字不差。"
    ),
    "%(n)s class has fewer than %(few)s texts: %(classes)s. Little can be learned of it.": (
        "有 %(n)s 个类别的文本少于 %(few)s 条：%(classes)s。从中学不到多少。"
    ),
    "%(n)s classes have fewer than %(few)s texts: %(classes)s. Little can be learned of them.": (
        "有 %(n)s 个类别的文本少于 %(few)s 条：%(classes)s。从中学不到多少。"
    ),
    "Unbalanced: %(largest)s has %(times)s times as many texts as %(smallest)s. Who always says %(largest)s is right "
    "for %(share)s of them, so accuracy alone says little.": (
        "不均衡：%(largest)s 的文本数是 %(smallest)s 的 %(times)s 倍。永远回答 %(largest)s 也有 %(share)s 的文本答对，"
        "所以单看准确率说明不了多少。"
    ),
    "%(one)s (%(its)s) = %(other)s (%(others)s)": "%(one)s（%(its)s）= %(other)s（%(others)s）",
    "%(n)s text stands there under different labels, %(times)s times in all: %(places)s. It stays in, but one of the "
    "labels is wrong, or the text alone does not decide.": (
        "有 %(n)s 条文本以不同的标签出现，共 %(times)s 次：%(places)s。都予以保留，但其中至少一个标签是错的，"
        "或者单凭文本无法判定。"
    ),
    "%(n)s texts stand there under different labels, %(times)s times in all: %(places)s. They stay in, but one of the "
    "labels of each is wrong, or the text alone does not decide.": (
        "有 %(n)s 条文本以不同的标签出现，共 %(times)s 次：%(places)s。都予以保留，但其中至少一个标签是错的，"
        "或者单凭文本无法判定。"
    ),
    "Texts with the label %(name)s are much longer: %(n)s characters in the median, the others %(others)s. A "
    "classifier may learn their length.": (
        "标签为 %(name)s 的文本长得多：中位数为 %(n)s 个字符，其余为 %(others)s。分类器可能学到的是长度。"
    ),
    # corpora of the catalogue
    "%(data)s is read at commit %(commit)s, as it lies in %(folder)s.": (
        "%(data)s 按提交 %(commit)s 读取，存放在 %(folder)s。"
    ),
    "%(corpus)s: %(source)s, %(licence)s.": "%(corpus)s：%(source)s，%(licence)s。",
    "%(corpus)s: left out when it was fetched: %(counts)s.": "%(corpus)s：获取时略去了：%(counts)s。",
    "%(n)s record (%(why)s)": "%(n)s 条记录（%(why)s）",
    "%(n)s records (%(why)s)": "%(n)s 条记录（%(why)s）",
    "the same record once more": "与前面的记录重复",
    "the same in both languages": "两种语言内容相同",
    "nothing on one side": "有一边是空的",
    "marked as an uncertain translation": "标为不确定的译文",
    "a mean rating of exactly 0, neither positive nor negative": "平均评分恰为 0，不褒不贬",
    "the same text under two labels": "同一段文本有两种标签",
    "not in the form of an entry": "不合词条的格式",
    "a redirection to another article": "重定向到另一篇条目",
    "a page that is no article": "不是条目的页面",
    "values of the column '%(name)s', which are %(kind)s": "列“%(name)s”的值，类型是 %(kind)s",
    "MIT; the plays are in the public domain": "MIT；剧本属于公有领域",
    "MIT; the novel is in the public domain": "MIT；小说属于公有领域",
    "package MIT; weights Apache-2.0, says their card": "软件包 MIT；按模型卡，权重为 Apache-2.0",
    "package LGPL-2.1; articles CC-BY-SA-3.0 and GFDL": "软件包 LGPL-2.1；条目 CC-BY-SA-3.0 与 GFDL",
    "code MIT, sentences CC-BY-SA-4.0": "代码 MIT，例句 CC-BY-SA-4.0",
    "package MIT; the snippets are quotations of their authors": "软件包 MIT；各段文字引自其作者",
    "package MIT; the reviews were collected from the web, their source is not declared": (
        "软件包 MIT；评论采自网络，来源没有注明"
    ),
    # tokens
    "%(size)s of text": "文本共 %(size)s",
    "%(size)s of Chinese text": "中文文本共 %(size)s",
    "%(amount)s: characters as tokens, because below %(limit)s too few words repeat often enough to be tokens of their "
    "own": ("%(amount)s：以字符为词元，因为不到 %(limit)s 时，出现次数多到可以单独成为词元的词太少"),
    "%(amount)s: pieces of words as tokens (bpe), %(n)s ids": ("%(amount)s：以词的片段为词元（bpe），词表 %(n)s"),
    "Vocabulary: %(wish)s, the text supports %(n)s.": "词表：%(wish)s，而文本只够 %(n)s 个。",
    "%(n)s ids were asked for": "要求 %(n)s 个词元",
    "%(n)s ids were planned": "计划 %(n)s 个词元",
    "The vocabulary was learned from a seeded sample of %(kept)s of the %(all)s of text (at most %(most)s).": (
        "词表学自 %(all)s 文本中按种子抽取的 %(kept)s（最多 %(most)s）。"
    ),
    "The vocabulary was learned from a seeded sample of %(kept)s of the %(all)s of text: more would hold over "
    "%(most)s of different words and clauses, the most that pairs are learned from.": (
        "词表学自 %(all)s 文本中按种子抽取的 %(kept)s：再多，互不相同的词和分句就会超过 %(most)s，即学习字节对的上限。"
    ),
    "Of %(all)s without a blank, a sign or the end of a line for a million characters, at most %(kept)s, evenly "
    "spread, were learned from.": (
        "文本中有 %(all)s 连续一百万字以上既无空白、标点也无换行，最多只均匀取其中 %(kept)s 来学词表。"
    ),
    "Training would be refused: %(why)s. %(hint)s": "训练不会开始：%(why)s。%(hint)s",
    "the text to train on has %(n)s token, end marks included; %(least)s are the least": (
        "训练文本只有 %(n)s 个词元（含结尾标记），至少要有 %(least)s 个"
    ),
    "the text to train on has %(n)s tokens, end marks included; %(least)s are the least": (
        "训练文本只有 %(n)s 个词元（含结尾标记），至少要有 %(least)s 个"
    ),
    "Add text. A model of use wants 10 kB or more.": "请增加文本。要得到有用的模型，需要 10 kB 以上。",
    # all numbers
    "number": "数字",
    "Measured on: %(part)s": "测量所用：%(part)s",
    "perplexity per token": "困惑度（按词元）",
    "6 N + 12 L D T a token: N without embeddings, multiply-add = 2, backward = 2 forward, causal half counted": (
        "每个词元 6 N + 12 L D T：N 不含嵌入，一次乘加算 2，反向是前向的两倍，因果掩去的一半也计入"
    ),
    "its causes are known for language models alone": "目前只会判断语言模型损失不好的原因",
    "BLEU, 0 to 100": "BLEU（0 到 100）",
    "chrF, 0 to 100": "chrF（0 到 100）",
    "BLEU of the other direction, 0 to 100": "反方向的 BLEU（0 到 100）",
    "chrF of the other direction, 0 to 100": "反方向的 chrF（0 到 100）",
    "translation": "译文",
    "the source as it stands": "原文照抄",
    "word by word, by what stands beside what in training": "逐词翻译（词典由训练语料的共现得到）",
    "bits per character": "比特/字符",
    "tokens scored": "计分的词元",
    "bytes scored": "计分的字节",
    "characters scored": "计分的字符",
    "document": "文档",
    "nats": "纳特",
    "nats per token": "纳特/词元",
    "The floor over bytes predicts bytes, not the model's tokens, so it has no loss and no perplexity per token.": (
        "以字节为单位的基线预测的是字节，不是模型的词元，所以没有按词元计的损失和困惑度。"
    ),
    "Sums of %(n)s documents or blocks": "%(n)s 篇文档或区块各自的总和",
    "Sums by document": "各文档的总和",
    "%(n)s further documents are not listed here; they are in the run's eval folder.": (
        "另有 %(n)s 篇文档没有列在这里，可在运行文件夹的 eval 目录中找到。"
    ),
    "Convention": "约定",
    "The measurement recorded no convention.": "测量时没有记下约定。",
    "measured on": "测量所用文本",
    "checkpoint": "检查点",
    "the best by validation": "验证最好的一个",
    "the last": "最后一个",
    "window, tokens": "窗口（词元）",
    "stride, tokens": "步幅（词元）",
    "share that an interval covers": "区间的置信水平",
    "bootstrap resamples": "自助重抽样次数",
    "what was resampled": "重抽样的单位",
    "read from a begin mark": "从起始标记读起",
    "mark at the end of a document": "文档末尾的标记",
    "token": "词元",
    "unit of the loss": "损失的单位",
    "unit of the perplexity": "困惑度的单位",
    "unit of bpb": "bpb 的单位",
    "unit of bpc": "bpc 的单位",
    "seed of the bootstrap": "重抽样的随机种子",
    "n-gram floor": "n 元语法基线",
    "floor fitted on": "拟合基线所用文本",
    "fallback discounts of the floor": "基线的后备折扣",
    "paired interval of the difference in bits per byte: model minus n-gram over its tokens": (
        "每字节比特数之差的配对区间：模型减去 n 元语法（用模型的词元）"
    ),
    "paired interval of the difference in bits per byte: model minus n-gram over bytes": (
        "每字节比特数之差的配对区间：模型减去 n 元语法（用字节）"
    ),
    "test of BLEU": "BLEU 自检",
    "test of chrF": "chrF 自检",
    "test of BLEU in the other direction": "反方向的 BLEU 自检",
    "test of chrF in the other direction": "反方向的 chrF 自检",
    "signature": "签名",
    "folder of the prepared text": "备好的文本所在文件夹",
    "machine": "机器",
    "processors used": "所用处理器数",
    "system": "系统",
    "device": "设备",
    "threads": "线程数",
    "yes": "是",
    "no": "否",
    # what an evaluation says of its convention
    "%(identical)s of the references beside themselves, %(shuffled)s in another order": (
        "参考译文与自身相比为 %(identical)s，打乱顺序后为 %(shuffled)s"
    ),
    "The target is said to be %(said)s, and its letters are of a script without blanks between words: BLEU is taken "
    "over characters, as for Chinese.": "指定的目标语言是 %(said)s，而其文字不用空格分词：BLEU 按字计算，与中文相同。",
    "%(score)s of the references beside themselves is %(found)s, not 100: these texts are too short for it, or cut "
    "wrongly.": "参考译文与自身相比，%(score)s 是 %(found)s 而不是 100：这些文本太短，或切分有误。",
    "%(n)s source has several translations in this text: it is scored once, against all of them.": (
        "本文中有 %(n)s 个原文有多个译文：它只评一次分，以全部译文为参考。"
    ),
    "%(n)s sources have several translations in this text: each is scored once, against all of them.": (
        "本文中有 %(n)s 个原文有多个译文：每个原文只评一次分，以全部译文为参考。"
    ),
    "%(score)s of the references in another order is %(shuffled)s: these lines are much alike, and a translation of "
    "nothing in particular scores so much.": (
        "参考译文打乱顺序后 %(score)s 仍有 %(shuffled)s：各行非常相似，与原文无关的译文也能得到这个分数。"
    ),
    "per token": "按词元",
    "bits per UTF-8 byte": "比特/UTF-8 字节",
    "bits per code point": "比特/码位",
    "%(kind)s, vocabulary %(n)s": "%(kind)s，词表 %(n)s",
    "scored, 0 bytes": "计分，计 0 字节",
    "read apart": "各自单独读",
    "whole documents": "整篇文档",
    "%(n)s documents": "%(n)s 篇文档",
    "%(n)s contiguous blocks of one document": "一篇文档的 %(n)s 个连续区块",
    "interpolated modified Kneser-Ney, order %(order)s": "插值的修正 Kneser-Ney，%(order)s 元",
    "%(tokens)s of %(all_tokens)s training tokens; %(bytes)s of %(all_bytes)s training bytes (marks counted)": (
        "训练词元 %(all_tokens)s 个中的 %(tokens)s 个；训练字节 %(all_bytes)s 个中的 %(bytes)s 个（含标记）"
    ),
    "%(discounts)s where the counts give none: over tokens %(tokens)s; over bytes %(bytes)s": (
        "计数得不出折扣时用 %(discounts)s：以词元为单位的，%(tokens)s；以字节为单位的，%(bytes)s"
    ),
    "in order %(orders)s": "第 %(orders)s 阶",
    "nowhere": "没有一阶",
    "This is too little text for an interval.": "文本太少，算不出区间。",
    "%(name)s is too large for a number and is left out.": "%(name)s 大得写不成数，已略去。",
    "There are only %(n)s documents: the intervals are rough.": "只有 %(n)s 篇文档：区间只是粗略的。",
    "%(n)s records could not be read and were left out; first: %(first)s": (
        "有 %(n)s 条记录无法读取，已略去；第一条：%(first)s"
    ),
    "Whether this text stands in the training text was not checked: %(why)s.": (
        "没有检查这段文本是否出现在训练文本中：%(why)s。"
    ),
    "Whether this text stands in the training text was not checked: it is too large for that.": (
        "没有检查这段文本是否出现在训练文本中：训练文本太大。"
    ),
    "%(percent)s %% of this text (by bytes, in whole lines) stand in the training text: the numbers are better than on "
    "new text.": "这段文本有 %(percent)s %%（按字节，整行计）出现在训练文本中：这些数字比在新文本上要好。",
    "There is no floor: the run keeps none, and its training text is not there.": (
        "没有基线：运行文件夹里没有保存，训练文本也不在了。"
    ),
    # its verdict
    "The model gives some of this text no probability at all: there is no finite number to judge.": (
        "这段文本里，有的内容在模型看来概率为零：没有有限的数可供评判。"
    ),
    "A loss of %(loss)s nats per token is %(bits)s bits per byte (%(bytes)s bytes per token).": (
        "每词元 %(loss)s 纳特的损失，相当于每字节 %(bits)s 比特（每词元 %(bytes)s 字节）。"
    ),
    "Not normal: guessing evenly over its vocabulary would spend %(bits)s.": (
        "不正常：在词表上均匀猜测也只需 %(bits)s。"
    ),
    "It has learned nothing that holds on this text: train longer, or measure on text like that it was trained on.": (
        "它没有学到对这段文本有用的东西：请训练得更久，或者用与训练文本相近的文本来测量。"
    ),
    "Guessing evenly would spend %(bits)s.": "均匀猜测需要 %(bits)s。",
    "There is no n-gram floor beside it.": "旁边没有 n 元语法基线可比。",
    "5-grams over bytes": "字节的 5 元组",
    "5-grams over the same tokens": "相同词元的 5 元组",
    "Worse than the floor: counting %(what)s spends %(bits)s, the model %(percent)s more.": (
        "不如基线：统计%(what)s需要 %(bits)s，模型多用 %(percent)s。"
    ),
    "The network has come %(percent)s of the way from guessing to counting.": (
        "从猜测到计数这段路，网络走了 %(percent)s。"
    ),
    "Until it is better than counting, its number is no sign of understanding: train longer, on more text, or use the "
    "n-gram.": "在胜过计数之前，这个数说明不了它懂了什么：请训练得更久，用更多文本，或者就用 n 元语法。",
    "Better than the floor: counting %(what)s spends %(bits)s, the model %(percent)s less.": (
        "胜过基线：统计%(what)s需要 %(bits)s，模型少用 %(percent)s。"
    ),
    "Better than the floor: counting %(what)s spends %(bits)s, the model %(percent)s less; but on this little text "
    "that could be chance, for the interval of the difference reaches 0.": (
        "胜过基线：统计%(what)s需要 %(bits)s，模型少用 %(percent)s；"
        "但文本这么少，这可能出于偶然，因为差值的区间包含 0。"
    ),
    "English text": "英文文本",
    "Chinese text": "中文文本",
    "the documentation inside Python": "Python 自带的文档",
    "text of this kind": "这类文本",
    "For %(kind)s no published number in bits per byte is known to us: the floor is the measure.": (
        "对于%(kind)s，我们不知道有以每字节比特数发表的结果：只能以基线为尺度。"
    ),
    "The best known for %(kind)s is %(bits)s (%(by)s, on %(text)s; %(source)s).": (
        "%(kind)s已知最好的结果是 %(bits)s（%(by)s，所用文本：%(text)s；出处：%(source)s）。"
    ),
    "The best known for %(kind)s is %(bits)s (%(by)s, on %(text)s; %(source)s); the model is there.": (
        "%(kind)s已知最好的结果是 %(bits)s（%(by)s，所用文本：%(text)s；出处：%(source)s）；模型已达到。"
    ),
    "The best known for %(kind)s is %(bits)s (%(by)s, on %(text)s; %(source)s): of the way from the floor to there the "
    "model has gone %(percent)s.": (
        "%(kind)s已知最好的结果是 %(bits)s（%(by)s，所用文本：%(text)s；出处：%(source)s）："
        "从基线到那里的路，模型走了 %(percent)s。"
    ),
    "The best known for %(kind)s is %(bits)s (%(by)s, on %(text)s; %(source)s): of the way from the floor to there the "
    "model has gone %(percent)s, which is normal for a small model and a small text.": (
        "%(kind)s已知最好的结果是 %(bits)s（%(by)s，所用文本：%(text)s；出处：%(source)s）："
        "从基线到那里的路，模型走了 %(percent)s；对小模型、少量文本来说，这是正常的。"
    ),
    "English Wikipedia with its markup (enwik8, trained on 90 MB of it)": (
        "带标记的英文维基百科（enwik8，用其中 90 MB 训练）"
    ),
    "English Wikipedia in 27 symbols (text8, trained on 90 MB of it)": (
        "只含 27 种符号的英文维基百科（text8，用其中 90 MB 训练）"
    ),
    "the Pile, mixed English text it was not trained on": "the Pile，没有用来训练的各类英文文本",
    "the Brown corpus": "Brown 语料库",
    "tinyshakespeare, trained on 1 MB of it": "tinyshakespeare，用其中 1 MB 训练",
    "printed English in 27 symbols, upper bound (his lower bound is 0.6)": (
        "只含 27 种符号的印刷英文，上界（他的下界是 0.6）"
    ),
    "pydoc topics and docstrings, other modules held out than here": "pydoc 条目与文档字符串，留出的模块与这里不同",
    "Transformer-XL, 277 M parameters": "Transformer-XL，2.77 亿参数",
    "GPT-3, 175 B parameters": "GPT-3，1750 亿参数",
    "a word trigram model of 583 M words": "5.83 亿词训练的词三元模型",
    "nanoGPT, 11 M parameters, 1.4697 nats": "nanoGPT，1100 万参数，1.4697 纳特",
    "people who guess the next letter": "由人来猜下一个字母",
    "the modern preset, 1 M parameters, three minutes on two cores": "modern 预设，100 万参数，双核三分钟",
    "a Kneser-Ney 5-gram over BPE tokens": "以 BPE 词元为单位的 Kneser-Ney 5 元语法",
    "measured by this project": "由本项目测得",
    # what training says of a model's limits
    "What it writes may read well and be no translation of what it read.": "它写出的句子可能很通顺，却不是原文的翻译。",
    "It reads at most %(n)s tokens at once; a longer text is translated in pieces that do not know of each other.": (
        "它一次最多读 %(n)s 个词元；更长的文本会分段翻译，各段之间互不知晓。"
    ),
    "It has %(millions)s M parameters besides embeddings and head and has read %(megabytes)s MB of text: it imitates "
    "that text and knows nothing else.": (
        "除嵌入和输出层外，它有 %(millions)s M（百万）个参数，读过 %(megabytes)s MB 文本："
        "它模仿那份文本，此外什么也不知道。"
    ),
    "It answers no question reliably, and what it states as a fact may be wrong.": (
        "它不能可靠地回答任何问题；它当作事实说出的话可能是错的。"
    ),
    "It sees the last %(n)s tokens only; what lies further back is forgotten.": (
        "它只看得见最近的 %(n)s 个词元，更早的都忘了。"
    ),
    "All it keeps of the past is its state, which fades; back-propagation reached %(n)s tokens back.": (
        "对过去，它只留有会逐渐淡去的状态；反向传播只回溯 %(n)s 个词元。"
    ),
    "%(skipped)s of its %(steps)s updates were skipped and it went back %(rollbacks)s times, because the loss jumped "
    "or was no number: metrics.jsonl says when.": (
        "由于损失突然升高或不是数字，%(steps)s 次更新中跳过了 %(skipped)s 次，"
        "回退了 %(rollbacks)s 次：在哪一步见 metrics.jsonl。"
    ),
    "Nothing was held out to choose a checkpoint by: the last one is kept.": (
        "没有留出文本来挑选检查点：保留的是最后一个。"
    ),
    # making
    "The command that repeats it": "重做一遍的命令",
    "No command was recorded.": "没有记下命令。",
    "Seed %(seed)s. With the same seed, threads and versions the same command gives the same bits.": (
        "随机种子 %(seed)s。种子、线程数和各版本不变，同一条命令得到的结果每一位都相同。"
    ),
    "Time spent": "用时",
    "Time by kind": "各类用时",
    "No times were recorded.": "没有记下用时。",
    "preparing text": "准备文本",
    "starting": "启动",
    "computing updates": "计算更新",
    "waiting for data": "等待数据",
    "The updates used %(share)s of what this machine multiplies at most: %(flops)s GFLOP/s of a peak of %(peak)s, "
    "which a product of large matrices reached before the first step.": (
        "各次更新用到了这台机器乘法能力的 %(share)s：每秒 %(flops)s GFLOP，"
        "峰值为 %(peak)s（第一步之前用大矩阵相乘测得）。"
    ),
    "Counted: %(flops)s MFLOP a token, by the convention %(convention)s.": (
        "计算量：每词元 %(flops)s MFLOP，口径为 %(convention)s。"
    ),
    "evaluating": "评测",
    "writing samples": "写样例",
    "saving": "保存",
    "fitting the floor": "拟合基线",
    "writing the log": "写日志",
    "%(s)s s": "%(s)s 秒",
    "%(min)s min %(s)s s": "%(min)s 分 %(s)s 秒",
    "%(h)s h %(min)s min": "%(h)s 小时 %(min)s 分",
    "Model and tokenizer": "模型与分词器",
    "Versions": "版本",
    "Hardware": "硬件",
    "tokenizer": "分词器",
    "paths": "路径",
    "fingerprint of the files": "文件指纹",
    "held out in contiguous blocks of one document": "从一篇文档中按连续区块留出",
    "bytes per token": "每词元字节数",
    "share of English characters": "英文字符的比例",
    "share of Chinese characters": "中文字符的比例",
    "share of characters of other scripts": "其他文字字符的比例",
    "documents in all": "文档总数",
    "documents that repeat an earlier one exactly": "与前面某篇完全相同的文档",
    "documents that repeat an earlier one after normalisation": "归一化后与前面某篇相同的文档",
    "documents that are nearly equal to another one": "与另一篇几乎相同的文档",
    "examples of repeats": "重复的例子",
    "architecture": "架构",
    "task": "任务",
    "parameters": "参数",
    "parameters without embeddings and head": "参数（不含嵌入和输出层）",
    "parameters of the embeddings": "嵌入的参数",
    "parameters of the head": "输出层的参数",
    "tokens in the vocabulary": "词表大小",
    "note on the tokenizer": "分词器说明",
    "Every knob of this run, as config.toml holds it.": "这次运行的每一项设置，与 config.toml 所载相同。",
    "No configuration was recorded.": "没有记下配置。",
    "Written by Textmill from the files of the run folder. This page is one file: it loads nothing and runs no "
    "scripts.": ("由 Textmill 根据运行文件夹中的文件写成。本页只有一个文件：不加载外部内容，也不运行脚本。"),
    # pictures
    "Bits per byte by architecture": "各架构的每字节比特数",
    "Bits per byte beside the floors": "每字节比特数与基线",
    "Where the bytes went": "字节的去向",
    "bits per byte, lower is better": "每字节比特数，越低越好",
    "Line picture of the loss in nats per token by step.": "折线图：各步的损失，单位为纳特/词元。",
    "%(name)s: %(first)s at step %(first_step)s, %(last)s at step %(last_step)s": (
        "%(name)s：第 %(first_step)s 步为 %(first)s，第 %(last_step)s 步为 %(last)s"
    ),
    "Bar picture of bits per byte, lower is better.": "条形图：每字节比特数，越低越好。",
    "interval of this model: %(low)s to %(high)s": "本模型的区间：%(low)s 到 %(high)s",
    "One bar of all input bytes by what became of them.": "一根长条：输入的全部字节，按去向分段。",
    "The PNG pictures are labelled in English: no font on this machine draws the Chinese labels. Install one (Noto "
    "Sans CJK, for example) and run the command again. SVG pictures are not affected.": (
        "PNG 图片用英文标注：本机没有字体能画出中文标签。请安装一种（例如 Noto Sans CJK），再运行一次命令。"
        "SVG 图片不受影响。"
    ),
    "In the PNG pictures these characters stand as code points, because no font on this machine draws them: %(points)s"
    ". SVG pictures are not affected.": (
        "PNG 图片里，下列字符以码位代替，因为本机没有字体能画出它们：%(points)s。SVG 图片不受影响。"
    ),
    # the page of a look
    "What a text holds": "文本里有什么",
    "In short": "概要",
    "How long are the documents?": "文档有多长？",
    "Which languages?": "是哪些语言？",
    "How it begins": "开头是什么样",
    "What would a careless split hide?": "随便划分会掩盖什么？",
    "A 5-gram model on text that was held out in two ways": "五元模型在两种划分留出的文本上的得分",
    "Tf-idf with logistic regression on text that was held out in two ways": "tf-idf 加逻辑回归在两种留出方式下的得分",
    "texts told wrong": "判断错的文本",
    "split": "划分",
    "how": "怎么划分",
    "What do tokenizers spend on it?": "各种分词器要花多少词元？",
    "Where the bytes go": "字节会到哪里去",
    "Files and encodings": "文件与编码",
    "Repeats": "重复",
    "What cannot be read, and what is cleaned away": "读不了的与清理掉的",
    "What to do next": "下一步",
    "a sample was looked at": "看的是样本",
    "all of it was looked at": "全部都看过",
    "documents in the text": "篇文档",
    "documents in the sample": "篇文档（样本中）",
    "bytes that are text:": "其中正文占字节的",
    "There is no document in it.": "其中没有文档。",
    "There is no letter in it.": "其中没有文字。",
    "There is no byte in it.": "其中一个字节也没有。",
    "There is no file in it.": "其中没有文件。",
    "Documents by length": "各种长度的文档",
    "Documents by language": "各种语言的文档",
    "Column picture of the documents by length.": "柱形图：各种长度的文档数。",
    "Bar picture of the documents by language.": "条形图：各种语言的文档所占的比例。",
    "Characters of a document: %(lengths)s.": "每篇文档的字符数：%(lengths)s。",
    "%(shortest)s to %(longest)s, median %(median)s, nine in ten at most %(nine_in_ten)s": (
        "%(shortest)s 到 %(longest)s，中位数 %(median)s，十之有九不超过 %(nine_in_ten)s"
    ),
    "characters in a document": "每篇文档的字符数",
    "The same in numbers": "对应的数字",
    "Share of the documents; of many, two thousand evenly spread ones were judged.": (
        "占文档的比例；文档很多时，只判断均匀选出的两千篇。"
    ),
    "language": "语言",
    "share": "比例",
    "script": "文字",
    "Letters by script": "各种文字所占的比例",
    "simplified Chinese": "简体中文",
    "traditional Chinese": "繁体中文",
    "several languages": "多种语言混合",
    "another language or no letters": "其他语言，或没有文字",
    "Every byte that was read is text, or is left out for a named reason. The categories add up to what was read.": (
        "读到的每个字节要么是正文，要么因注明的原因略去。各类相加，等于读到的字节数。"
    ),
    "Every byte would be in the training, validation or test part, or is left out for a named reason. The "
    "categories add up to the size of the files.": (
        "每个字节要么会进入训练、验证或测试部分，要么因注明的原因略去。各类相加，等于文件的大小。"
    ),
    "All bytes of the input, by what becomes of them.": "输入的全部字节，按去向分段。",
    "Files that are left out whole by their names: all of them, in no other number here": (
        "按文件名整个略去的文件：这里是全部，不计入其他任何数字"
    ),
    "text": "正文",
    "the model would learn from it": "模型会从中学习",
    "the model would learn from it, or it would be held out": "模型会从中学习，或者会被留出",
    "cut off": "截断",
    "the last record of a file of which the beginning was read": "只读了开头的文件的最后一条记录",
    "Bytes by encoding": "各种编码的字节数",
    "files": "文件数",
    "%(n)s smaller files are not listed here; textmill look --json lists all.": (
        "另有 %(n)s 个较小的文件没有列在这里；textmill look --json 会全部列出。"
    ),
    "%(n)s files that are not in plain UTF-8: three lines each, to judge by whether they were read right": (
        "%(n)s 个文件不是纯 UTF-8：每个给出三行，可据此判断读得对不对"
    ),
    "%(n)s more such files are not shown here; textmill look --json has all.": (
        "另有 %(n)s 个这样的文件没有显示在这里；textmill look --json 里有全部。"
    ),
    "Documents that repeat others": "与别的文档重复的文档",
    "documents that are nearly another one": "与另一篇几乎相同的文档",
    "Nearly equal documents were not looked for.": "没有查找几乎相同的文档。",
    "Repeats, for example": "重复的例子",
    "The test set in the training text": "训练文本里的测试集",
    "Test documents that stand in the training text": "出现在训练文本里的测试文档",
    "test document": "测试文档",
    "training document": "训练文档",
    "share of it": "占它的比例",
    "in common": "共有的片段",
    "%(n)s more are not shown here; --json has the first hundred.": (
        "另有 %(n)s 篇没有显示在这里；--json 里有前一百篇。"
    ),
    "Records that cannot be read: the first ones": "读不了的记录：最前面的几条",
    "Every record could be read.": "每条记录都读得了。",
    "Cleaned away (--data.clean none keeps it)": "清理掉的内容（--data.clean none 可保留）",
    "No cleaning rule found anything.": "没有一条清理规则找到要清理的内容。",
    "rule": "规则",
    "stretches": "处数",
    "for example": "例如",
    "%(n)s more notes": "另有 %(n)s 条说明",
    "Nothing.": "没有。",
    "No command: training would refuse this text, as a note above says.": (
        "没有命令：训练会拒绝这份文本，原因见上面的说明。"
    ),
    "Written by textmill look. This page is one file: it loads nothing and runs no scripts.": (
        "由 textmill look 写成。本页只有一个文件：不加载外部内容，也不运行脚本。"
    ),
    "standard input": "标准输入",
    # a look in the terminal
    "%(n)s files": "%(n)s 个文件",
    "This is a look at a sample (--sample %(asked)s, seed %(seed)s): %(read)s of %(bytes)s were read, from "
    "%(n_read)s of %(n_files)s files (%(share)s).": (
        "看的是样本（--sample %(asked)s，种子 %(seed)s）：共 %(bytes)s，读了 %(read)s；共 "
        "%(n_files)s 个文件，读了其中 %(n_read)s 个（%(share)s）。"
    ),
    "%(share)s of the bytes": "占字节的 %(share)s",
    "how much is in packed files is not known": "压缩文件里有多少内容不得而知",
    "The number of files and their sizes are exact; every other number is of the sample. What would be held out "
    "is not said, for a sample would be split in another way than the whole. The command is for the whole text.": (
        "文件的数目与大小是准确的，其余数字都只是样本的。这里不说会留出哪些文本，因为样本的划分与全文的不同。给出的命令用于全文。"
    ),
    "%(n)s large files were read in blocks spread over them: a line number there counts lines that were read.": (
        "有 %(n)s 个大文件是分散着一块一块读的：其中的行号只数读到的行。"
    ),
    "Of %(n)s files only the beginning was read, because they cannot be entered in the middle.": (
        "有 %(n)s 个文件只读了开头，因为无法从中间读起。"
    ),
    "left out whole by their names: %(list)s": "按文件名整个略去：%(list)s",
    "where each byte goes": "每个字节的去向",
    "dropped": "略去",
    "of %(size)s": "共 %(size)s",
    "and %(n)s more (these are the largest; --json lists all)": "另有 %(n)s 个（这里是最大的；--json 会全部列出）",
    "languages": "文字",
    "documents by language": "各种语言的文档",
    "repeats": "重复",
    "lengths in characters": "长度（字符）",
    "%(n)s exact": "完全相同 %(n)s 篇",
    "%(n)s after normalisation": "归一化后相同 %(n)s 篇",
    "%(n)s nearly equal": "几乎相同 %(n)s 篇",
    "of %(n)s documents": "共 %(n)s 篇文档",
    "documents by length in characters": "各种长度（字符）的文档",
    "not in plain UTF-8; judge by these lines whether it was read right (--encoding decides):": (
        "不是纯 UTF-8；请看这几行，判断读得对不对（--encoding 可指定编码）："
    ),
    "and %(n)s more (--json has all)": "另有 %(n)s 个（--json 里有全部）",
    "cleaned away (--data.clean none keeps it)": "清理掉的内容（--data.clean none 可保留）",
    "test set %(paths)s: %(n_found)s of %(n)s documents (%(share)s) stand in the training text": (
        "测试集 %(paths)s：%(n)s 篇文档中有 %(n_found)s 篇（%(share)s）出现在训练文本里"
    ),
    "test set %(paths)s: at least %(n_found)s of %(n)s documents (%(share)s) stand in the training text, of "
    "which a sample was searched": (
        "测试集 %(paths)s：%(n)s 篇文档中至少有 %(n_found)s 篇（%(share)s）出现在训练文本里；只查找了训练文本的样本"
    ),
    "%(test)s in %(training)s, %(share)s of it: %(excerpt)s": (
        "%(test)s 在 %(training)s 中，占它的 %(share)s：%(excerpt)s"
    ),
    "and %(n)s more (--json has the first hundred)": "另有 %(n)s 篇（--json 里有前一百篇）",
    "repeats, for example": "重复的例子",
    "records that cannot be read": "读不了的记录",
    "notes": "说明",
    "how it begins": "开头",
    "next: %(command)s": "下一步：%(command)s",
    # what doctor found
    "unknown": "不详",
    "damaged": "损坏",
    "cause": "原因",
    "note": "说明",
    "files are damaged": "有文件损坏",
    "no damage was found, but not every file has a seal": "没有发现损坏，但不是每个文件都有校验和",
    "every file is what was written": "每个文件都与写入时一致",
    "Training would go on from the checkpoint of step %(step)s; the best is that of step %(best)s.": (
        "训练会从第 %(step)s 步的检查点继续；最好的是第 %(best)s 步的检查点。"
    ),
    "Training would go on from the checkpoint of step %(step)s.": "训练会从第 %(step)s 步的检查点继续。",
    "no seal: not checked": "没有校验和：未检查",
    "the loss was not judged, or not by all its causes": "没有判断损失，或没有按所有可能的原因判断",
    "Nothing, unless the loss is in doubt.": "无需处理，除非对损失有疑问。",
    "The training text is too large to look through: whether held-out documents stand in it is open.": (
        "训练文本太大，无法逐篇查看：留出的文档是否也在其中，不得而知。"
    ),
    "the labels are shifted": "标签错位",
    "the embeddings are frozen": "嵌入被冻结",
    "held-out documents stand in the training text": "留出的文档出现在训练文本里",
    "the tokenizer does not fit the text": "分词器不适合这份文本",
    "the end marks are missing": "缺少结束标记",
    "many units are dead": "许多单元已失效",
    "the learning rate is too high": "学习率太高",
    "the learning rate is too low": "学习率太低",
    "there was no warm-up": "没有预热",
    "the rows were not shuffled": "各行没有打乱",
    "there is far too little text": "文本远远不够",
    "the model over-fits": "模型过拟合",
    "the token it reads itself": "它正读到的词元本身",
    "the token after the next": "再下一个词元",
    "the model spends %(right)s nats on the next token and %(best)s on %(which)s": (
        "模型在下一个词元上花费 %(right)s 奈特，在%(which)s上花费 %(best)s 奈特"
    ),
    "Targets must be the ids one place later: row i predicts ids[i + 1]. Prepare the text anew and train anew.": (
        "目标必须是后移一位的词元编号：第 i 位预测 ids[i + 1]。请重新准备文本并重新训练。"
    ),
    "the embeddings point where they did in the beginning, the inner matrices moved by %(moved)s": (
        "嵌入的方向与开始时相同，内部矩阵却移动了 %(moved)s"
    ),
    "Let the embeddings be trained (requires_grad, and a place among the optimizer's parameters); train anew.": (
        "让嵌入参与训练（requires_grad，并列入优化器的参数）；请重新训练。"
    ),
    "%(share)s of the held-out documents stand in the training text: the validation loss is too good": (
        "留出的文档有 %(share)s 出现在训练文本里：验证损失好得不真实"
    ),
    "Let Textmill split the text (repeats stay on one side), or take the copies out of --valid and --test.": (
        "让 Textmill 切分文本（重复的文档留在同一侧），或从 --valid 和 --test 里去掉重复的文档。"
    ),
    "of %(n)s tokens that the tokenizer learned the text has %(share)s": (
        "分词器学到的 %(n)s 个词元中，文本里只有 %(share)s"
    ),
    "Let the tokenizer be learned from this text: leave it to `textmill train`, or textmill prepare PATH.": (
        "让分词器从这份文本中学习：交给 `textmill train`，或用 textmill prepare PATH。"
    ),
    "where documents end the model spends %(spent)s nats on the end mark; guessing would spend %(chance)s": (
        "在文档结尾处，模型在结束标记上花费 %(spent)s 奈特；瞎猜只需 %(chance)s"
    ),
    "Each document must be followed by the mark, and the mark be a target: prepare the text anew and train anew.": (
        "每篇文档之后都必须有结束标记，并且结束标记要作为目标：请重新准备文本并重新训练。"
    ),
    "in one layer %(share)s of the units give the same for every token": (
        "有一层中 %(share)s 的单元对每个词元给出相同的值"
    ),
    "Train anew with a lower rate or a warm-up, with first values that are not all on one side, or another preset.": (
        "请用更低的学习率或预热、不全偏向一侧的初始值，或另一种预设重新训练。"
    ),
    "Train under another --name with a third of the rate (--train.lr).": (
        "换一个 --name，用三分之一的学习率（--train.lr）训练。"
    ),
    "the inner matrices moved by %(moved)s; in the beginning the loss went from %(first)s up to %(worst)s": (
        "内部矩阵移动了 %(moved)s；开始时损失从 %(first)s 升到 %(worst)s"
    ),
    "the inner matrices moved by %(moved)s; in %(above)s of the steps the loss was above the %(unigram)s that "
    "single tokens without any context cost, and it ends at %(end)s": (
        "内部矩阵移动了 %(moved)s；有 %(above)s 的步数损失高于不看上下文时单个词元的 %(unigram)s，最后停在 %(end)s"
    ),
    "the inner matrices moved by %(moved)s only; the loss went from %(start)s to %(end)s, single tokens "
    "without any context cost %(unigram)s": (
        "内部矩阵只移动了 %(moved)s；损失从 %(start)s 变为 %(end)s，不看上下文时单个词元要花 %(unigram)s"
    ),
    "Train under another --name with ten times the rate (--train.lr), or far more --steps.": (
        "换一个 --name，用十倍的学习率（--train.lr）或多得多的 --steps 训练。"
    ),
    "the first step took the loss from %(first)s to %(second)s, at step %(step)s it was %(worst)s; since the beginning "
    "it stands at %(end)s, what single tokens without any context cost (%(unigram)s)": (
        "第一步使损失从 %(first)s 变为 %(second)s，第 %(step)s 步时为 %(worst)s；开始阶段之后它一直停在 %(end)s，"
        "即不看上下文、只看单个词元时的代价（%(unigram)s）"
    ),
    "the first step took the loss from %(first)s to %(second)s, the largest change of the beginning is "
    "%(largest)s; at the end the loss is %(end)s, and %(dead)s of the units of one layer are dead": (
        "第一步使损失从 %(first)s 变为 %(second)s，开始阶段最大的变化是 %(largest)s；"
        "最后损失为 %(end)s，有一层中 %(dead)s 的单元已失效"
    ),
    "Let the rate rise slowly: --train.warmup_steps a twentieth of the steps; train under another --name.": (
        "让学习率慢慢上升：--train.warmup_steps 取总步数的二十分之一；换一个 --name 训练。"
    ),
    "%(share)s of the ups and downs of the loss, some %(swing)s of it, follow what stands in the text, read in its "
    "order": ("损失的起伏有 %(share)s（幅度约为损失的 %(swing)s）与按原文顺序读到的内容相符"),
    "were the text read in its order, what was read last would cost these weights %(lately)s nats a token, and what "
    "was read before costs %(before)s: it is forgotten (the last steps read at %(end)s)": (
        "假如按原文顺序读，最后读到的内容在这些权重下每个词元 %(lately)s 奈特，之前读到的要 %(before)s："
        "已经忘了（最后几步读时为 %(end)s）"
    ),
    "the loss stands at %(end)s (halfway: %(level)s), and a few updates at a low rate lower it by %(gained)s": (
        "损失停在 %(end)s（中途为 %(level)s），而用低学习率再更新几步就下降 %(gained)s"
    ),
    "Train under another --name with a third of the rate (--train.lr), and let it fall to nothing.": (
        "换一个 --name，用三分之一的学习率（--train.lr）重新训练，并让它最后降到零。"
    ),
    "Updates are slow: whether a lower rate would help at once was not tried.": (
        "每次更新太慢：没有尝试更低的学习率是否立刻有帮助。"
    ),
    "%(share)s of the ups and downs of the loss come back with the place in the epoch of %(n)s steps, by "
    "%(swing)s of the loss": ("损失的起伏有 %(share)s 随着在一轮（%(n)s 步）中的位置重现，幅度为损失的 %(swing)s"),
    "The run was to shuffle and did not: see what orders its rows, or shuffle the text itself, and train anew.": (
        "这次训练本应打乱却没有打乱：请查看是什么决定了各行的顺序，或先打乱文本本身，再重新训练。"
    ),
    "%(n_parameters)s inner parameters for %(n_tokens)s tokens, %(share)s for each; the loss on held-out text "
    "is %(gap)s above that on training text": (
        "%(n_tokens)s 个词元对应 %(n_parameters)s 个内部参数，每个词元 %(share)s 个；"
        "留出文本上的损失比训练文本上高 %(gap)s"
    ),
    "Add text; until then a smaller model (--size micro, --model.d_model) and fewer --steps.": (
        "请增加文本；在那之前，用更小的模型（--size micro、--model.d_model）和更少的 --steps。"
    ),
    "the loss on held-out text was %(least)s at step %(step)s and is %(end)s at the end, %(gap)s above that "
    "on training text": ("留出文本上的损失在第 %(step)s 步为 %(least)s，最后为 %(end)s，比训练文本上高 %(gap)s"),
    "The best checkpoint is kept and used. For a better one: more text, --model.dropout, or --train.patience 3.": (
        "最好的检查点已保留并会被使用。要得到更好的：更多文本、--model.dropout 或 --train.patience 3。"
    ),
    "Put the file back from a copy of the run, if there is one; the weights do not depend on it. Without one "
    "the curve of these steps is lost.": (
        "如果有这次训练的副本，就从中放回这个文件；权重不依赖它。没有副本的话，这些步的曲线就丢失了。"
    ),
    "Repeat the training command: %(command)s": "重复训练命令：%(command)s",
    "Repeat the training command": "重复训练命令",
    "%(repeat)s.": "%(repeat)s。",
    "Put it back from a copy of the run. Without one, move the folder away and repeat the training command: "
    "the checkpoints stay readable as safetensors.": (
        "从这次训练的副本放回它。没有副本的话，移走文件夹并重复训练命令：检查点仍可作为 safetensors 读取。"
    ),
    "Copy it from %(path)s. No verb can open the run before.": (
        "从 %(path)s 复制过来。在此之前，任何动词都打不开这次训练。"
    ),
    "Put it back from a copy. No verb can open the run before.": ("从副本放回它。在此之前，任何动词都打不开这次训练。"),
    "its manifest is not what was written": "它的清单与写入时不一致",
    "a checkpoint is damaged: %(why)s": "一个检查点已损坏：%(why)s",
    "%(repeat)s. It looks at the checkpoints and writes the pointer anew.": (
        "%(repeat)s。它会查看各个检查点，并重写指针。"
    ),
    "the pointer cannot be read": "指针读不出来",
    "checkpoints are there, and nothing names %(file)s": "有检查点，却没有 %(file)s 来指明",
    "it names %(checkpoint)s": "它指向 %(checkpoint)s",
    "the pointer names a checkpoint that is not there": "指针指向的检查点不存在",
    "it says %(said)s, the checkpoint says %(expected)s": ("它写的是 %(said)s，检查点写的是 %(expected)s"),
    "the pointer is not what was written": "指针与写入时不一致",
    "it names step %(step)s; step %(newest)s is there and holds": (
        "它指向第 %(step)s 步；第 %(newest)s 步也在，而且完好"
    ),
    "a stop came between a checkpoint and its pointer": "在检查点与它的指针之间被停下",
    "%(n)s steps were trained": "已训练 %(n)s 步",
    "it ends in %(end)s": "它的结尾是 %(end)s",
    "the last line has no end": "最后一行没有写完",
    "a stop cut the last line": "最后一行因停下而被截断",
    "line %(n)s is no object with a step": "第 %(n)s 行不是带步数的对象",
    "line %(n)s has step %(step)s, after step %(last)s": ("第 %(n)s 行是第 %(step)s 步，却在第 %(last)s 步之后"),
    "its first %(sealed)s bytes have another sha256; it has %(n)s bytes": (
        "它的前 %(sealed)s 字节的 sha256 不同；它共有 %(n)s 字节"
    ),
    "what was logged up to step %(step)s is not what was written": ("到第 %(step)s 步为止的日志与写入时不一致"),
    "the last line is of step %(last)s, the last checkpoint of step %(newest)s": (
        "最后一行是第 %(last)s 步，最后一个检查点是第 %(newest)s 步"
    ),
    "it goes on after the last checkpoint": "它在最后一个检查点之后还有内容",
    "steps after the last checkpoint are repeated": "最后一个检查点之后的各步会重做",
    "Measure again: %(command)s": "重新测量：%(command)s",
    "this is no measurement": "这不是测量结果",
    "a finished run has its final measurement; this one has no %(file)s": (
        "已完成的训练都有最终测量；这一次却没有 %(file)s"
    ),
    "Move %(floor)s away: %(command)s counts it anew each time, from the prepared text.": (
        "移走 %(floor)s：%(command)s 每次都会从备好的文本重新统计。"
    ),
    "it is safe to delete, and somebody did": "它可以放心删除，也确实有人删了",
    "Nothing, unless the run is to be measured or trained on. It is prepared again then. %(repeat)s.": (
        "无需处理，除非还要测量或接着训练，那时会重新准备。%(repeat)s。"
    ),
    "the prepared text is not there": "备好的文本不在了",
    "Delete %(folder)s: it is made anew from the files. %(repeat)s.": (
        "删除 %(folder)s：它会从各个文件重新生成。%(repeat)s。"
    ),
    "the prepared text is damaged: %(why)s": "备好的文本已损坏：%(why)s",
    "something half-written or half-deleted was left": "留下了写到一半或删到一半的东西",
    "a process was stopped while it wrote or deleted": "有进程在写入或删除时被停下",
    "Training removes it when it goes on; it may be deleted.": "训练继续时会清除它；也可以直接删除。",
    "Delete it when nobody needs it.": "没有人需要时就删除它。",
    "it did not match its manifest when training went on": "训练继续时，它与自己的清单不符",
    "a damaged checkpoint was set aside": "一个损坏的检查点已移到一旁",
    "it was not what was written when training went on; metrics.jsonl has the lines that can be read": (
        "训练继续时，它与写入时不一致；metrics.jsonl 里有读得出来的各行"
    ),
    "a damaged log was kept": "保留了一份损坏的日志",
    "No checkpoint is whole: put one back from a copy, or begin anew with --fresh (nothing is deleted).": (
        "没有一个检查点完好：从副本放回一个，或用 --fresh 重新开始（不会删除任何东西）。"
    ),
    "%(repeat)s. It sets the damaged checkpoint aside and goes on from step %(step)s.": (
        "%(repeat)s。它会把损坏的检查点移到一旁，从第 %(step)s 步继续。"
    ),
    "it is written before the run is of use": "训练可用之前就会写好它",
    "its seal does not hold; %(size)s": "它的校验和不符；%(size)s",
    "it was written when the run began": "训练开始时就写好了它",
    "its sha256 differs; %(size)s": "它的 sha256 不同；%(size)s",
    "no sha256 of it is kept: it was written before Textmill kept one": (
        "没有保存它的 sha256：写它的时候 Textmill 还不保存"
    ),
    "Nothing: a run made now has seals.": "无需处理：现在新建的训练都有校验和。",
    "it is not there": "它不在",
    "it has %(n)s bytes": "它有 %(n)s 字节",
    "the file is missing": "文件缺失",
    "the file is not what was written": "文件与写入时不一致",
    # opinion over time
    "Opinion over time": "意见随时间的变化",
    "Opinion over time, as the classifier says it": "意见随时间的变化（分类器的原始说法）",
    "share of texts": "占文本的比例",
    "Shares of %(classes)s from %(first)s to %(last)s.": "%(classes)s 的占比，从 %(first)s 到 %(last)s。",
    "%(name)s: first %(first)s, last %(last)s.": "%(name)s：起初 %(first)s，最后 %(last)s。",
    "Alarm %(number)s: %(said)s": "警报 %(number)s：%(said)s",
    "Shares are not corrected: no labelled text of class '%(name)s' was measured.": (
        "占比没有校正：没有测量过类别“%(name)s”的带标签文本。"
    ),
    "Shares are not corrected: the measured confusion cannot be inverted (its condition number is %(condition)s, at "
    "most %(most)s would do).": "占比没有校正：测得的混淆矩阵无法求逆（条件数为 %(condition)s，最多 %(most)s 才行）。",
    "Shares are not corrected: %(n)s labelled texts are too few to tell whether the confusion can be inverted.": (
        "占比没有校正：%(n)s 条带标签的文本太少，看不出混淆矩阵能否求逆。"
    ),
    "Of series of %(n)s periods without a change, at most %(percent)s %% have an alarm.": (
        "在 %(n)s 个时段、没有变化的序列中，最多有 %(percent)s %% 会发出警报。"
    ),
    "Where none of %(n)s series has a change, one of them has an alarm in at most %(percent)s %% of cases (Holm).": (
        "如果 %(n)s 个序列都没有变化，其中任何一个发出警报的情形最多占 %(percent)s %%（Holm 法）。"
    ),
    "%(n)s periods with texts are too few for an alarm; it takes %(least)s.": (
        "有文本的时段只有 %(n)s 个，太少，不足以发出警报；至少要有 %(least)s 个。"
    ),
    "%(n)s period has no text: a gap, which counts for nothing.": "有 %(n)s 个时段没有文本：这是空缺，不计入。",
    "%(n)s periods have no text: gaps, which count for nothing.": "有 %(n)s 个时段没有文本：这些是空缺，不计入。",
    "Shares vary from period to period %(times)s times as much as chance makes %(n)s texts vary; alarms allow for "
    "it.": ("各时段占比的波动是 %(n)s 条文本纯属偶然的波动的 %(times)s 倍；警报已考虑到这一点。"),
    "Periods resemble the one before them (correlation %(r)s): moods that last can raise alarms more often than "
    "stated.": ("各时段与前一时段相似（相关系数 %(r)s）：持续的情绪可能使警报比所说的更频繁。"),
    # the card
    "Written by textmill report, which writes it anew each time: keep what you add in another file.": (
        "由 textmill report 写成，每次运行都会重写：你要补充的内容请放在别的文件里。"
    ),
    "tokenizer %(kind)s with %(n)s tokens": "%(kind)s 分词器，%(n)s 个词元",
    "Use": "用法",
    "Weights are in the run folder as safetensors; nothing in it is a pickle.": (
        "权重以 safetensors 格式存放在运行文件夹中；其中没有任何 pickle 文件。"
    ),
    "Numbers": "数字",
    "Lower is better; a byte of which nothing at all is known costs 8 bits.": (
        "越低越好；对一个字节一无所知要花 8 比特。"
    ),
    "Training text": "训练所用文本",
    "seed": "随机种子",
    "%(n)s smaller files are listed in report.html.": "另有 %(n)s 个较小的文件列在 report.html 中。",
    "The whole report is the file report.html beside this card.": "完整的报告是本卡片旁边的 report.html。",
    # answers
    "%(amount)s with questions: words as tokens, in Chinese characters, %(n)s ids at most, so that answers begin "
    "and end with one": (
        "带问题的%(amount)s：以词为词元，中文以字为词元，最多 %(n)s 个编号，使答案的首尾都落在词元边界上"
    ),
    "%(n)s answer is longer than what two windows of its passage have in common and stands whole in none: it is "
    "not learned. A longer row (--model.seq_len) holds more.": (
        "有 %(n)s 个答案比相邻两个窗口的重叠部分还长，没有一个窗口能完整容纳它：学不到它。更长的行（--model.seq"
        "_len）能容纳更多。"
    ),
    "%(n)s answers are longer than what two windows of their passage have in common and stand whole in none: "
    "they are not learned. A longer row (--model.seq_len) holds more.": (
        "有 %(n)s 个答案比相邻两个窗口的重叠部分还长，没有一个窗口能完整容纳它们：学不到它们。更长的行（--model"
        ".seq_len）能容纳更多。"
    ),
    "%(n)s validation questions": "%(n)s 个验证问题",
    "Bar picture of F1, higher is better.": "F1 的条形图，越高越好。",
    "F1": "F1 值",
    "F1 beside what needs no training": "F1 与无需训练的方法对照",
    "F1 is how much an answer has in common with the right one, token by token: all where it is the same, 0 "
    "where it shares nothing; a mean over the questions.": (
        "F1 逐个词元衡量答案与正确答案有多少相同：完全一致为满分，毫无相同为 0；对所有问题取平均。"
    ),
    "F1 of answers": "答案的 F1",
    "F1, best first": "F1，最好的在前",
    "F1, higher is better": "F1，越高越好",
    "F1, questions with an answer": "F1（有答案的问题）",
    "F1, questions without an answer": "F1（无答案的问题）",
    "Higher is better: what answers have in common with the right ones.": "越高越好：答案与正确答案的相同程度。",
    "It is worse than what needs no training: %(names)s.": "它不如无需训练的方法：%(names)s。",
    "It never says that a passage holds no answer: no validation question taught it when to. What it points at "
    "may have nothing to do with the question.": (
        "它从不说段落里没有答案：没有验证问题教它何时该这样说。它指出的内容可能与问题毫无关系。"
    ),
    "It never says that there is none: no validation question taught it when to.": (
        "它从不说没有答案：没有验证问题教它何时该这样说。"
    ),
    "It points at a stretch of the passage that it is given, and knows nothing else: it counts nothing, compares "
    "nothing, and what the passage says wrongly it says too.": (
        "它只会指出所给段落中的一段文字，此外一无所知：不会计数，不会比较；段落说错的，它也照说。"
    ),
    "Line picture of the loss in nats per window by step.": "损失（每个窗口的奈特数）随步数变化的折线图。",
    "Of the questions without an answer it says so of %(percent)s %%.": (
        "没有答案的问题中，它对 %(percent)s %% 说明了没有答案。"
    ),
    "Of these questions %(em)s %% are answered exactly; F1 is %(f1)s %% (%(low)s to %(high)s %%).": (
        "这些问题中有 %(em)s %% 回答得完全一致；F1 为 %(f1)s %%（%(low)s 至 %(high)s %%）。"
    ),
    "Of these questions %(em)s %% are answered exactly; F1 is %(f1)s %%.": (
        "这些问题中有 %(em)s %% 回答得完全一致；F1 为 %(f1)s %%。"
    ),
    "The best that needs no training reaches an F1 of %(f1)s %%.": "无需训练的方法中最好的 F1 为 %(f1)s %%。",
    "There are only %(n)s passages: the intervals are rough.": "只有 %(n)s 个段落：区间很粗略。",
    "When no answer is given was chosen on these very questions: on new ones it may do worse.": (
        "何时不作答正是用这些问题选定的：在新问题上可能差一些。"
    ),
    "always that there is no answer": "总说没有答案",
    "exact match": "完全一致",
    "exact match, questions with an answer": "完全一致（有答案的问题）",
    "exact match, questions without an answer": "完全一致（无答案的问题）",
    "how F1 is taken": "F1 的算法",
    "longest answer that is given, characters": "给出的最长答案（字符数）",
    "loss, nats per window": "损失（每个窗口的奈特数）",
    "nats per window": "每个窗口的奈特数",
    "never": "从不",
    "of the tokens of the convention, with the right answer that is nearest; a mean over questions": (
        "按所用规则的词元计算，取最接近的正确答案；对问题取平均"
    ),
    "paired interval of the difference in F1: the model minus always no answer": (
        "F1 之差的配对区间：模型减去总说没有答案"
    ),
    "paired interval of the difference in F1: the model minus the first sentence": (
        "F1 之差的配对区间：模型减去第一句"
    ),
    "paired interval of the difference in F1: the model minus the sentence with most words": (
        "F1 之差的配对区间：模型减去含词最多的句子"
    ),
    "paired interval of the difference in F1: the model minus the stretch with most words": (
        "F1 之差的配对区间：模型减去含词最多的片段"
    ),
    "questions": "问题",
    "questions whose answer is one of the right ones, as the convention compares them": (
        "按所用规则比较，答案与某个正确答案相同的问题"
    ),
    "questions without an answer": "无答案的问题",
    "rule by which answers are compared": "比较答案的规则",
    "score below which no answer is given": "低于此分数则不作答",
    "the first sentence": "第一句",
    "the sentence with most words of the question": "含问题中的词最多的句子",
    "the stretch with most words of the question around it": "周围含问题中的词最多的片段",
    "validation, F1": "验证 F1",
    "Only the first answers %(first)s questions exactly, only the second %(second)s.": (
        "只有第一个回答得完全一致的问题有 %(first)s 个，只有第二个回答得完全一致的有 %(second)s 个。"
    ),
    # classes
    "There are too few validation texts to choose by: the floor answers.": "验证文本太少，无法据此选择：由基线作答。",
    "%(amount)s with labels: words as tokens, in Chinese characters, %(n)s ids at most": (
        "带标签的%(amount)s：以词为词元，中文以字为词元，最多 %(n)s 个编号"
    ),
    "Only the first has %(first)s texts right, only the second %(second)s: by chance alone so unequal with a "
    "probability of %(p)s (exact McNemar test).": (
        "只有第一个判断对的文本有 %(first)s 篇，只有第二个判断对的有 %(second)s 篇：单凭偶然如此悬殊的概率为 "
        "%(p)s（精确 McNemar 检验）。"
    ),
    "validation, accuracy": "验证准确率",
    "The floors stand as measured on: %(part)s.": "图中的基线测于：%(part)s。",
    "accuracy": "准确率",
    "F1, mean over the classes": "F1（各类别的平均）",
    "F1 over all decisions": "F1（全部判断合计）",
    "expected calibration error": "期望校准误差",
    "the same of a calibrated model on so many texts": "校准完好的模型在同样多文本上的该值",
    "Brier score": "Brier 分数",
    "texts": "文本数",
    "loss, nats per text": "损失（纳特/篇）",
    "tf-idf and logistic regression": "tf-idf 与逻辑回归",
    "the network alone": "单独的网络",
    "the most frequent class": "最常见的类别",
    "weighs which words and characters a text has, whatever their order, fitted on the same training texts": (
        "只看一篇文本里有哪些词和字、不看顺序，在同样的训练文本上拟合"
    ),
    "without its floor, at its best temperature": "不加基线，取最佳温度",
    "says the same of every text": "对每篇文本都说同一类",
    "Accuracy, best first": "准确率，从好到差",
    "Accuracy is the share of the texts whose class is told right.": "准确率是类别判断正确的文本所占的比例。",
    "Higher is better: the share of the texts whose class is told right.": "越高越好：类别判断正确的文本所占的比例。",
    "Accuracy beside the floors": "准确率与基线对比",
    "Bar picture of accuracy, higher is better.": "条形图：准确率，越高越好。",
    "accuracy, higher is better": "准确率，越高越好",
    "Line picture of the loss in nats per text by step.": "折线图：各步的损失，单位为纳特/篇。",
    "What is offered was chosen on these very texts: on new ones it may do a little worse.": (
        "用什么来回答正是在这些文本上选定的：在新文本上可能稍差一些。"
    ),
    "nats per text": "纳特/篇",
    "whole sets of labels that are right": "全部标签都判断正确的文本",
    "texts whose likeliest class is right": "可能性最大的类别正确的文本",
    "mean over the classes that occur; nothing over nothing is 0": "对出现过的类别取平均；分母为零时记 0",
    "read whole, in windows where they are long": "整篇读完，较长的分窗口读",
    "15 bins of equal width over the probability of the likeliest class": "按最可能类别的概率等分 15 组",
    "squares summed over the classes: 0 to 2": "各类别平方差之和：0 到 2",
    "%(n)s validation texts": "%(n)s 篇验证文本",
    "%(n)s validation texts that stand within a training text": "%(n)s 篇出现在训练文本之中的验证文本",
    "the network by %(percent)s %%, its floor by the rest": "网络占 %(percent)s %%，其余为基线",
    "the floor alone": "单独的基线",
    "Of these texts %(percent)s %% are told right (%(low)s to %(high)s %%).": (
        "这些文本中判断正确的占 %(percent)s %%（%(low)s 到 %(high)s %%）。"
    ),
    "Of these texts %(percent)s %% are told right.": "这些文本中判断正确的占 %(percent)s %%。",
    "tf-idf with logistic regression, the floor, tells %(percent)s %%.": (
        "作为基线的 tf-idf 加逻辑回归判断对 %(percent)s %%。"
    ),
    "The network alone tells %(percent)s %%.": "单独的网络判断对 %(percent)s %%。",
    "Always the same class would be %(percent)s %%.": "总说同一类则为 %(percent)s %%。",
    "What answers is %(what)s, which of network, floor and mixtures of them had the least loss on %(n)s "
    "validation texts.": ("作答的是%(what)s：在 %(n)s 篇验证文本上，它是网络、基线及其混合中损失最小的。"),
    "It says %(name)s of every text.": "它对每篇文本都说“%(name)s”。",
    "It is worse than %(what)s.": "它不如%(what)s。",
    "Without their stories %(percent)s %% of the questions are told right, more than always the same answer is: part "
    "of what it tells is guessed from the question.": (
        "不看故事，也有 %(percent)s %% 的问题答对，比总给同一个答案要多：它的一部分答案是从问题里猜出来的。"
    ),
    "It is no better than %(what)s: the difference may be chance.": "它并不比%(what)s更好：差别可能出于偶然。",
    "its floor": "它的基线",
    "always the same class": "总说同一类",
    "%(n)s texts are too few to tell it from always the same class.": "%(n)s 篇文本太少，看不出它与总说同一类的差别。",
    "To tell two models apart whose accuracies differ by 2 points takes about %(needed)s texts each; here are %(n)s.": (
        "要分辨准确率相差 2 个百分点的两个模型，每个约需 %(needed)s 篇文本；这里有 %(n)s 篇。"
    ),
    "It knows the classes that its training texts have, and gives one of them to any text, also to one in "
    "another language or about something else; classify flags those that look unlike its own.": (
        "它只知道训练文本里有的类别，对任何文本都会给出其中之一，哪怕那是另一种语言或讲别的事情；"
        "classify 会标出看上去与训练文本不同的文本。"
    ),
    "what answers": "作答者",
    "unit of the accuracy": "准确率的单位",
    "how F1 is averaged": "F1 如何平均",
    "how calibration is taken": "校准误差如何计算",
    "how the Brier score is taken": "Brier 分数如何计算",
    "temperature of the network": "网络的温度",
    "what it was chosen on": "在什么上选定",
    "what was not counted in choosing it": "选择时未计入的文本",
    "paired interval of the difference in accuracy: what answers minus tf-idf": "准确率之差的配对区间：作答者减 tf-idf",
    "paired interval of the difference in accuracy: what answers minus the network alone": (
        "准确率之差的配对区间：作答者减单独的网络"
    ),
    "paired interval of the difference in accuracy: what answers minus the most frequent class": (
        "准确率之差的配对区间：作答者减最常见的类别"
    ),
    "%(file)s: the text is taken from '%(text)s' (--data.text decides): %(rows)s.": (
        "%(file)s：正文取自“%(text)s”列（由 --data.text 决定）：%(rows)s。"
    ),
    "%(n)s alarms": "%(n)s 次警报",
    "%(n)s earlier periods: --json or --out": "此前还有 %(n)s 个时段：见 --json 或 --out",
    "%(n)s period has fewer than %(few)s texts: its shares say little.": (
        "有 %(n)s 个时段的文本不足 %(few)s 篇：其占比说明不了什么。"
    ),
    "%(n)s period with texts is too few for an alarm; it takes %(least)s.": (
        "有文本的时段只有 %(n)s 个，太少，不足以发出警报；至少要有 %(least)s 个。"
    ),
    "%(n)s periods have fewer than %(few)s texts: their shares say little.": (
        "有 %(n)s 个时段的文本不足 %(few)s 篇：其占比说明不了什么。"
    ),
    "%(n)s periods in numbers": "%(n)s 个时段的数字",
    "%(n)s series in all": "%(n)s 个序列",
    "%(n)s texts": "%(n)s 篇文本",
    "'%(key)s' holds %(kind)s, not a string or a number": "“%(key)s”是%(kind)s，不是字符串或数字",
    "Confusion of the classifier": "分类器的混淆表",
    "Dates such as '%(doubtful)s' are read with %(which)s first, because '%(written)s' (%(source)s) can only "
    "be read so; --dates decides.": (
        "像“%(doubtful)s”这样的日期按%(which)s在前来读，因为“%(written)s”（%(source)s）只能这样读；由 --dates 决定。"
    ),
    "From %(at)s on, '%(name)s' is down from %(before)s %% to %(after)s %% of the texts (%(low)s to %(high)s "
    "points).": (
        "自 %(at)s 起，“%(name)s”在文本中的占比由 %(before)s %% 降到 %(after)s %%（%(low)s 到 %(high)s 个百分点）。"
    ),
    "From %(at)s on, '%(name)s' is up from %(before)s %% to %(after)s %% of the texts (%(low)s to %(high)s points).": (
        "自 %(at)s 起，“%(name)s”在文本中的占比由 %(before)s %% 升到 %(after)s %%（%(low)s 到 %(high)s 个百分点）。"
    ),
    "How to read it": "如何阅读",
    "It may have begun anywhere from %(earliest)s to %(latest)s.": (
        "变化可能始于 %(earliest)s 到 %(latest)s 之间的任何时候。"
    ),
    "Labelled texts that training held out, by the class that they have (rows) and the class that the "
    "classifier gives them (columns).": ("训练时留出的带标签文本：行是真实类别，列是分类器给出的类别。"),
    "No alarm.": "没有警报。",
    "No change is clear enough for an alarm.": "没有哪个变化明显到足以发出警报。",
    "Of class '%(name)s' only %(n)s labelled texts were held out: intervals are wide for that. Hold out more "
    "(--data.valid_share), or give labelled texts with --valid and --test when training.": (
        "类别“%(name)s”只留出了 %(n)s 篇带标签的文本：区间因此较宽。请多留出一些（--data.valid_share），或在"
        "训练时用 --valid 和 --test 给出带标签的文本。"
    ),
    "Records that were left out: %(list)s.": "未采用的记录：%(list)s。",
    "Series that are not drawn; monitor.json has their numbers": "没有画出的序列；数字见 monitor.json",
    "Shares are corrected for the errors that the classifier makes on %(n)s held-out labelled texts "
    "(%(parts)s): %(percent)s %% of them are told right. In a stream on which it errs otherwise they are off.": (
        "占比已按分类器在 %(n)s 篇留出的带标签文本（%(parts)s）上的错误校正：其中 %(percent)s %% 判断正确。若它"
        "在这批文本上错得不一样，占比就会有偏差。"
    ),
    "Shares are those that the classifier says: its errors are in them.": "占比是分类器给出的：其中含有它的错误。",
    "Shares of the texts as the classifier says them, its errors among them. A band is the %(percent)s %% "
    "interval of each period by itself; a gap has no text; a broken line with a number is an alarm.": (
        "分类器给出的文本占比，含有它的错误。色带是各时段各自的 %(percent)s %% 区间；空缺处没有文本；带编号的虚"
        "线是警报。"
    ),
    "Shares of the texts, corrected for the classifier's errors. A band is the %(percent)s %% interval of each "
    "period by itself; a gap has no text; a broken line with a number is an alarm.": (
        "文本占比，已按分类器的错误校正。色带是各时段各自的 %(percent)s %% 区间；空缺处没有文本；带编号的虚线是警报。"
    ),
    "Texts after it that are given '%(name)s', the class that grew, surest first:": (
        "此后被判为“%(name)s”（增长的类别）的文本，最确定的在前："
    ),
    "Texts and shares by period": "各时段的文本数与占比",
    "The first ones": "最前面的几条",
    "The validation part is not there to count errors on: %(why)s.": "用来统计错误的验证部分不在：%(why)s。",
    "There is no labelled text to count errors on: %(why)s.": "没有带标签的文本可用来统计错误：%(why)s。",
    "What the shares are corrected by": "占比据何校正",
    "What was left out": "未采用的内容",
    "Written by textmill monitor. This page is one file: it loads nothing and runs no scripts.": (
        "由 textmill monitor 写成。本页是单个文件：不加载任何内容，也不运行脚本。"
    ),
    "a string alone has no '%(key)s'": "单独的字符串没有“%(key)s”",
    "alarms": "次警报",
    "and %(n)s more": "另有 %(n)s 条",
    "by %(unit)s from %(first)s to %(last)s, by the clock of %(zone)s": (
        "按%(unit)s计，从 %(first)s 到 %(last)s，以 %(zone)s 的时钟为准"
    ),
    "cannot be read": "条无法读取",
    "day": "日",
    "few texts": "文本少",
    "has": "真实类别",
    "hour": "小时",
    "month": "月",
    "no alarm": "没有警报",
    "no date in '%(column)s'": "“%(column)s”中没有日期",
    "no text: a gap": "没有文本：空缺",
    "nothing in '%(column)s'": "“%(column)s”中没有内容",
    "opinion changed": "意见有变化",
    "periods with texts": "有文本的时段",
    "read are .csv, .tsv, .jsonl, .json and .parquet": "可读的有 .csv、.tsv、.jsonl、.json 和 .parquet",
    "texts:": "文本数：",
    "that name nothing to follow them by": "条没有说明属于哪个序列",
    "the day": "日",
    "the month": "月",
    "there are no columns in the format %(format)s, so there is no '%(column)s' for --%(role)s": (
        "格式 %(format)s 没有列，因此没有 --%(role)s 所指的“%(column)s”"
    ),
    "week": "周",
    "with a date that cannot be read": "条日期无法读懂",
    "without a date": "条没有日期",
    "without text": "条没有文本",
    "Standard input is read as %(encoding)s (--encoding decides).": (
        "标准输入按 %(encoding)s 读取（由 --encoding 决定）。"
    ),
    "%(n)s stretch of standard input is no %(encoding)s and was left out.": (
        "标准输入中有 %(n)s 处不是 %(encoding)s，已略去。"
    ),
    "%(n)s stretches of standard input are no %(encoding)s and were left out.": (
        "标准输入中有 %(n)s 处不是 %(encoding)s，已略去。"
    ),
    "%(low)s to %(high)s sure: %(accuracy)s right, of %(n)s texts": (
        "把握 %(low)s 到 %(high)s：%(n)s 篇文本中 %(accuracy)s 正确"
    ),
    "%(n)s more classes": "另有 %(n)s 个类别",
    "%(n)s more pairs": "另有 %(n)s 对",
    "%(name)s: %(right)s of %(n)s texts are told so": "%(name)s：%(n)s 篇文本中 %(right)s 篇判断如此",
    "%(percent)s %% of these texts look unlike those of training; of texts like the held-out ones about "
    "%(expected)s %% do.": (
        "这些文本中有 %(percent)s %% 看上去不像训练文本；与留出文本同类的文本约有 %(expected)s %% 如此。"
    ),
    "with --abstain %(p)s: %(risk)s": "用 --abstain %(p)s：%(risk)s",
    "All answered: %(risk)s are wrong.": "全部作答：%(risk)s 有错。",
    "Answering from %(p)s on: %(coverage)s of the texts, of them %(risk)s wrong.": (
        "从 %(p)s 起作答：占文本的 %(coverage)s，其中 %(risk)s 有错。"
    ),
    "Answering from a probability on": "概率达到多少才作答",
    "Can its probabilities be believed?": "它给的概率可信吗？",
    "Class by class": "逐类来看",
    "Classes that are confused most": "最常混淆的类别",
    "Confusion: texts by true class and the class told": "混淆矩阵：按真实类别和判断类别计的文本数",
    "Curve: how often answers are wrong by how many texts are answered.": "曲线：作答的文本越多，答错的比例如何变化。",
    "Each class": "各个类别",
    "Expected calibration error: %(ece)s. A calibrated model shows %(noise)s on so many texts by chance alone, "
    "and stays below %(high)s in 95 of 100 cases.": (
        "期望校准误差：%(ece)s。在这么多文本上，校准良好的模型仅因偶然也有 %(noise)s，100 次中有 95 次低于 %(high)s。"
    ),
    "From left to right less sure texts are answered too.": "从左到右，把握较小的文本也逐渐作答。",
    "How sure, and how often right": "有多大把握，又有多常正确",
    "Loss on the texts it was chosen on, nats per text": "在选定所用文本上的损失，纳特/篇",
    "Network, floor and mixtures of them in steps of 5 %% were compared by their loss on %(n)s validation texts, "
    "and the least one answers: the network by %(percent)s %%, at a temperature of %(temperature)s.": (
        "在 %(n)s 篇验证文本上比较了网络、基线以及每隔 5 %% 的混合的损失，"
        "由损失最小的作答：网络占 %(percent)s %%，温度为 %(temperature)s。"
    ),
    "Nothing was chosen: there were too few held-out texts to choose by, or the run is a floor.": (
        "没有做选择：留出的文本太少，无从选择，或者这次运行本身就是基线。"
    ),
    "Of %(texts)s texts measured on, %(n)s look unlike those of training (%(percent)s); of texts like the "
    "held-out ones %(expected)s are flagged for nothing.": (
        "在测量所用的 %(texts)s 篇文本中，有 %(n)s 篇看上去不像训练文本（%(percent)s）；"
        "与留出文本同类的文本会有 %(expected)s 被误标。"
    ),
    "Points: how often answers are right by how sure they are.": "圆点：按把握大小看答案有多常正确。",
    "Precision: of the texts that are told to be of the class, the share that are. Recall: of the texts of the "
    "class, the share that are told so. F1 is their harmonic mean.": (
        "精确率：判断为该类的文本中确属该类的比例。召回率：属于该类的文本中判断如此的比例。F1 是两者的调和平均。"
    ),
    "So its probabilities are off by more than chance makes.": "可见它的概率偏差超出了偶然。",
    "So its probabilities can be believed as far as so few texts can tell.": (
        "可见就这些文本所能看出的而言，它的概率可信。"
    ),
    "Squares: texts of each class by the class they are told as.": "方格：各类文本按判断成的类别计数。",
    "Texts by flag": "各标记的文本数",
    "Texts of each class (row) by the class that they are told as (column); the darker, the larger the share of "
    "the row.": ("各类文本（行）按判断成的类别（列）计数；颜色越深，占该行的比例越大。"),
    "Texts unlike those of training": "不像训练文本的文本",
    "The dot is --abstain %(p)s, with its interval.": "圆点是 --abstain %(p)s 及其区间。",
    "The other classes": "其余类别",
    "The other pairs": "其余各对",
    "This run does not know which texts are unlike its own.": "这次运行不知道哪些文本不像它自己的训练文本。",
    "What answers, and why": "由谁作答，为什么",
    "What if it does not answer where it is not sure?": "没有把握时不作答会怎样？",
    "What is taken for what": "什么被当成了什么",
    "What not answering would do": "不作答会带来什么",
    "Which class is told as which": "哪一类被判断成哪一类",
    "all answered: %(risk)s": "全部作答：%(risk)s",
    "answers, the larger the more texts": "答案，圆点越大文本越多",
    "as sure as right": "把握与正确率相等",
    "class": "类别",
    "how sure the answer is": "答案的把握",
    "in a language that training has not": "所用语言在训练文本中没有",
    "none of its words and letter groups is known": "其中的词和字母组合一个都不认识",
    "of them wrong": "其中答错",
    "precision": "精确率",
    "recall": "召回率",
    "rows: the true class; columns: what it is told as": "行：真实类别；列：判断成的类别",
    "share of the answers that are wrong": "答案中有错的比例",
    "share of the texts that are answered": "作答的文本所占比例",
    "share that is right": "正确的比例",
    "texts answered": "作答的文本",
    "the surest first": "把握最大的先答",
    "told as": "判断为",
    "told so": "判断如此",
    "too many of its words or letter groups are not known": "其中不认识的词或字母组合太多",
    "true class": "真实类别",
    # passages with questions
    "question": "问题",
    "passage": "段落",
    "answer": "答案",
    "no answer": "没有答案",
    "question %(id)s": "问题 %(id)s",
    "this question": "这个问题",
    "none of these files holds questions": "这些文件都没有问题",
    "Of a format without questions, counted as %(category)s: %(names)s.": (
        "其格式不含问题，计为“%(category)s”：%(names)s。"
    ),
    "questions are not read from the format %(format)s": "不能从 %(format)s 格式读取问题",
    "read are SQuAD files (.json), .jsonl, .csv and .tsv": "可以读取 SQuAD 文件（.json）、.jsonl、.csv 和 .tsv",
    "several columns could hold the %(what)s: %(names)s": "可能存放%(what)s的列不止一个：%(names)s",
    "no column has such a name as the %(what)s mostly has (there are: %(columns)s)": (
        "没有哪一列的名字像%(what)s（现有：%(columns)s）"
    ),
    "passage, question and answer are three columns, and these are named: %(names)s": (
        "段落、问题和答案是三列，而所指定的是：%(names)s"
    ),
    "say which is which: --data.text NAME --data.question NAME --data.answer NAME": (
        "请分别说明：--data.text NAME --data.question NAME --data.answer NAME"
    ),
    "%(n)s column without a name: passage, question and answer are three": "%(n)s 列没有名字：段落、问题和答案需要三列",
    "%(n)s columns without names: which ones hold passage, question and answer?": (
        "%(n)s 列都没有名字：段落、问题和答案各在哪一列？"
    ),
    "name them in order: --data.columns context,question,answer": (
        "请按顺序写出列名：--data.columns context,question,answer"
    ),
    "%(file)s: the passage is taken from '%(passage)s', the question from '%(question)s', the answer from '%(answer)s' "
    "(--data.text, --data.question and --data.answer decide): %(rows)s.": (
        "%(file)s：段落取自“%(passage)s”，问题取自“%(question)s”，答案取自“%(answer)s”"
        "（由 --data.text、--data.question 和 --data.answer 决定）：%(rows)s。"
    ),
    'write the articles as SQuAD files do: {"data": [{"title": "…", "paragraphs": [{"context": "…", "qas": '
    '[{"question": "…", "answers": […]}]}]}]}': (
        '请像 SQuAD 文件那样写：{"data": [{"title": "…", "paragraphs": [{"context": "…", "qas": '
        '[{"question": "…", "answers": […]}]}]}]}'
    ),
    "'%(key)s' is %(kind)s, not a list": "“%(key)s”是%(kind)s，不是列表",
    "'%(key)s' holds %(kind)s, not an answer": "“%(key)s”里是%(kind)s，不是答案",
    "no passage with a list of questions in '%(key)s'": "不是带有“%(key)s”问题列表的段落",
    "%(n)s answers and %(places)s places in '%(key)s'": "“%(key)s”里有 %(n)s 个答案，却有 %(places)s 个位置",
    "the place of an answer is %(value)s, not a number of characters": "答案的位置是 %(value)s，不是字符数",
    "the question is empty": "问题是空的",
    "the answer '%(text)s' of %(question)s is not in its passage": "%(question)s的答案“%(text)s”不在段落里",
    "the answer '%(text)s' of %(question)s stands in its passage several times, and not where it is said to be": (
        "%(question)s的答案“%(text)s”在段落里出现多次，却都不在所说的位置"
    ),
    "%(file)s: %(questions)s, %(without)s; places of the answers: %(places)s.": (
        "%(file)s：%(questions)s，%(without)s；答案的位置：%(places)s。"
    ),
    "%(n)s question": "%(n)s 个问题",
    "%(n)s questions": "%(n)s 个问题",
    "%(n)s passage": "%(n)s 个段落",
    "%(n)s passages": "%(n)s 个段落",
    "%(n)s of them without an answer": "其中 %(n)s 个没有答案",
    "%(n)s right as given": "%(n)s 个与所给一致",
    "%(n)s found where none was given": "%(n)s 个没有给出，已找到",
    "%(n)s counted in bytes": "%(n)s 个按字节计",
    "%(n)s in UTF-16 units": "%(n)s 个按 UTF-16 单元计",
    "%(n)s moved to the only place": "%(n)s 个移到唯一可能的位置",
    "%(n)s repaired": "%(n)s 个已修正",
    "%(n)s repaired (%(how)s)": "%(n)s 个已修正（%(how)s）",
    "%(n)s unclear": "%(n)s 个不明确",
    "%(n)s unclear, taken at the nearest place (%(places)s)": "%(n)s 个不明确，取最近的位置（%(places)s）",
    "%(n)s not in the passage": "%(n)s 个不在段落里",
    "%(n)s not in the passage, left out (%(places)s)": "%(n)s 个不在段落里，已略去（%(places)s）",
    "Nearly equal to another passage: %(n)s passage; such passages stand together on one side.": (
        "与另一段落几乎相同：%(n)s 个段落；这样的段落放在同一侧。"
    ),
    "Nearly equal to another passage: %(n)s passages; such passages stand together on one side.": (
        "与另一段落几乎相同：%(n)s 个段落；这样的段落放在同一侧。"
    ),
    "The %(part)s part holds %(held)s of the text instead of %(asked)s, because a passage is held out with all "
    "questions about it.": "%(part)s部分占文本的 %(held)s，而不是 %(asked)s，因为段落连同关于它的所有问题一起留出。",
    "Passages of one article stand together on one side: %(n)s articles.": (
        "同一篇文章的段落放在同一侧：共 %(n)s 篇文章。"
    ),
    "There is only %(n)s article, so its passages may stand on two sides; all questions about one passage stand on "
    "one.": ("只有 %(n)s 篇文章，所以它的段落可能分在两侧；关于同一段落的问题都在同一侧。"),
    "There are only %(n)s articles, so passages of one may stand on two sides; all questions about one passage "
    "stand on one.": "只有 %(n)s 篇文章，所以同一篇的段落可能分在两侧；关于同一段落的问题都在同一侧。",
    "%(questions)s about %(passages)s to train on; %(share)s of them have no answer in their passage.": (
        "用于训练的有 %(questions)s，涉及 %(passages)s；其中 %(share)s 在段落里没有答案。"
    ),
    "passages %(median)s characters in the median, %(longest)s at most": (
        "段落中位数 %(median)s 个字符，最长 %(longest)s"
    ),
    "answers %(median)s, %(longest)s at most": "答案中位数 %(median)s，最长 %(longest)s",
    "Lengths: %(of)s.": "长度：%(of)s。",
    "Asked for: %(kinds)s.": "问的是：%(kinds)s。",
    "when": "何时",
    "where": "何地",
    "terms": "术语",
    "what something is": "定义",
    "key and value": "键和值",
    "by a heading": "按标题",
    "taken to another passage": "移到别的段落",
    "about something else": "问的是别的事物",
    "%(part)s: %(told)s": "%(part)s：%(told)s",
    "Questions made from the documents: %(answered)s; without an answer: %(unanswered)s.": (
        "由文档生成的问题：%(answered)s；没有答案的：%(unanswered)s。"
    ),
    "what needs no training, asked of the passages": ("无需训练的办法（在各段落中查找）"),
    "answered rightly, asked of all held-out passages": ("答对（在全部留出段落中查找）"),
    "refused, of those that the passages do not answer": ("拒答（段落里没有答案的问题）"),
    "exact match, asked of all held-out passages": ("完全一致（在全部留出段落中查找）"),
    "F1, asked of all held-out passages": ("F1（在全部留出段落中查找）"),
    "paired interval of the difference in F1, asked: the model minus what needs no training": (
        "F1 之差的配对区间（查找）：模型减去无需训练的办法"
    ),
    "The reader of this run was not better than what needs no training, which answers instead.": (
        "这次运行的阅读器并不比无需训练的办法好，所以由后者回答。"
    ),
    "The reader of this run answers, beside what needs no training.": ("由这次运行的阅读器与无需训练的办法一起回答。"),
    "%(n)s questions were asked of the passages; %(rest)s more with an answer were not drawn.": (
        "在段落中查找了 %(n)s 个问题；另有 %(rest)s 个有答案的问题没有抽到。"
    ),
    "Asked of the held-out passages together, it answers %(right)s of the questions rightly and refuses "
    "%(refused)s of those that other passages do not answer; what needs no training, %(right_floor)s and "
    "%(refused_floor)s.": (
        "在全部留出段落中查找，它答对 %(right)s，并拒答了其他段落里没有答案的问题的 %(refused)s；"
        "无需训练的办法分别为 %(right_floor)s 和 %(refused_floor)s。"
    ),
    "Its F1 is higher by %(low)s to %(high)s points: `textmill ask` answers with it.": (
        "它的 F1 高出 %(low)s 至 %(high)s 个百分点：`textmill ask` 用它回答。"
    ),
    "On the validation questions the reader was of no help, so `textmill ask` answers without it.": (
        "在验证问题上阅读器没有帮助，所以 `textmill ask` 不用它回答。"
    ),
    "These are too few passages to tell which is better, so `textmill ask` answers without it.": (
        "段落太少，看不出哪个更好，所以 `textmill ask` 不用它回答。"
    ),
    "The difference in F1 (%(low)s to %(high)s points) does not show that it is better, so `textmill "
    "ask` answers without it.": (
        "F1 之差（%(low)s 至 %(high)s 个百分点）不能说明它更好，所以 `textmill ask` 不用它回答。"
    ),
    "closed book: a language model writes the answer": ("闭卷：语言模型直接写出答案"),
    "the sentence of the best passage with most words of the question": ("最佳段落中与问题共有词最多的句子"),
    "search and evidence, without training": ("检索加证据，无需训练"),
    "a reader trained from scratch, on what the search finds": ("从零训练的阅读器，阅读检索到的段落"),
    "a reader that began pretrained, on what the search finds": ("以预训练权重开始的阅读器，阅读检索到的段落"),
    "search, evidence and reader together": ("检索、证据与阅读器一起"),
    "Take: %(way)s. No cheaper way comes as near as chance would have it to its F1 of %(f1)s %%.": (
        "建议采用：%(way)s。没有更省的办法能在偶然误差之内达到它的 F1（%(f1)s %%）。"
    ),
    "Take: %(way)s. Its F1 of %(f1)s %% is within the interval of the best (%(best)s, %(best_f1)s %%), "
    "and none that is takes less time for a question.": (
        "建议采用：%(way)s。它的 F1 为 %(f1)s %%，在最好的办法（%(best)"
        "s，%(best_f1)s %%）的区间之内，而且同样够好的办法中没有一个每题用时更少。"
    ),
    "nothing is told in these documents that a question could be made of": ("这些文档里没有可以用来生成问题的内容"),
    "names, numbers with units, dates, quoted terms, `Weight: 5 kg` are asked for; or give questions "
    "with answers: textmill train questions.json --task answer": (
        "可以问的有人名、带单位的数字、日期、引号里的术语、`重量：5公斤` 这样的行；或者给出带答"
        "案的问题：textmill train questions.json --task ans"
        "wer"
    ),
    "who": "谁",
    "why": "为什么",
    "how much": "多少",
    "which": "哪个",
    "in what way": "如何",
    "what": "什么",
    "something else": "其他",
    "No question has an answer, so nothing can be learned but to say that there is none.": (
        "没有一个问题有答案，所以除了说没有答案以外什么也学不到。"
    ),
    "%(n)s question is asked of one passage twice, with other answers: %(places)s.": (
        "%(n)s 个问题对同一段落问了两次，答案却不同：%(places)s。"
    ),
    "%(n)s questions are asked of one passage twice, with other answers: %(places)s.": (
        "%(n)s 个问题对同一段落问了两次，答案却不同：%(places)s。"
    ),
    "%(n)s answer is more than half of its passage: %(places)s.": "%(n)s 个答案超过段落的一半：%(places)s。",
    "%(n)s answers are more than half of their passages: %(places)s.": "%(n)s 个答案超过段落的一半：%(places)s。",
    # the index of passages
    "searching documents needs %(package)s, which is not installed": "在文档中检索需要 %(package)s，它还没有安装",
    "Removed, left by an index that was never finished: %(names)s.": "已删除从未建完的索引留下的：%(names)s。",
    "The index is damaged (%(why)s), and is made anew.": "索引已损坏（%(why)s），正在重建。",
    "Reading %(n)s file into the index.": "正在把 %(n)s 个文件读入索引。",
    "Reading %(n)s files into the index.": "正在把 %(n)s 个文件读入索引。",
    "%(n)s file is new or changed, and is read into the index.": "有 %(n)s 个文件是新的或有改动，正在读入索引。",
    "%(n)s files are new or changed, and are read into the index.": "有 %(n)s 个文件是新的或有改动，正在读入索引。",
    "%(n)s file is gone, and is taken out of the index.": "有 %(n)s 个文件已不在，从索引中去掉。",
    "%(n)s files are gone, and are taken out of the index.": "有 %(n)s 个文件已不在，从索引中去掉。",
    "%(n)s record cannot be read, and is not searched: %(which)s.": "%(n)s 条记录无法读取，不在检索之列：%(which)s。",
    "%(n)s records cannot be read, and are not searched: %(which)s.": "%(n)s 条记录无法读取，不在检索之列：%(which)s。",
    "the file holds no text": "文件里没有文本",
    "none of the %(n)s files holds a text": "这 %(n)s 个文件里都没有文本",
    "textmill look PATH says what each file holds": "textmill look PATH 会说明每个文件里有什么",
    "cannot be read: %(why)s": "无法读取：%(why)s",
    "the file changed since it was read": "文件在读入之后有了改动",
    "repeat the command: the index is refreshed": "请重复这条命令：索引会更新",
    "it is not said which column holds the answers to which questions": "没有说明哪一列是问题、哪一列是答案",
    "say both: --data.question QUESTIONS --data.answer ANSWERS": (
        "请两个都说明：--data.question 问题列 --data.answer 答案列"
    ),
    "%(file)s: questions are taken from '%(question)s', their answers from '%(answer)s' (--data.question and "
    "--data.answer decide; --data.text NAME: it is no list of questions).": (
        "%(file)s：问题取自“%(question)s”列，答案取自“%(answer)s”列（由 --data.question 和 --data.answer 决定；"
        "--data.text NAME 表示它不是问答表）。"
    ),
    # asking documents
    "a question of nothing: there is no word in it": "空问题：里面没有一个字",
    "Say it in words, such as: How long is the warranty?": "请用文字提问，例如：保修期多久？",
    "is no UTF-8 at byte %(n)s": "第 %(n)s 个字节处不是 UTF-8",
    "there is no question in it": "里面没有问题",
    "this line is no JSON: %(why)s": "这一行不是 JSON：%(why)s",
    "this is no question with its answers": "这不是带答案的问题",
    'a line is an object such as {"question": "…", "answers": ["…"]}; [] where nothing answers it': (
        '每行是一个对象，例如 {"question": "…", "answers": ["…"]}；没有答案时写 []'
    ),
    # stories
    "%(file)s: read as stories, a JSON object a line.": "%(file)s：按故事读取，每行一个 JSON 对象。",
    "%(file)s: read as stories in bAbI's format.": "%(file)s：按 bAbI 格式的故事读取。",
    "these are no stories: the first line is %(line)s": "这不是故事：第一行是 %(line)s",
    "A story in bAbI's format begins with a line such as `1 Mary went home.`; of JSON lines each is an "
    "object with sentences, question and answer.": (
        "bAbI 格式的故事以 `1 Mary went home.` 这样的一行开头；JSON Lines 的每一行是一个含有 sentences、"
        "question 和 answer 的对象。"
    ),
    "no number stands before it": "前面没有编号",
    "its story could not be read at %(where)s": "它的故事在 %(where)s 处读不下去",
    "number %(n)s follows number %(before)s": "编号 %(n)s 跟在编号 %(before)s 之后",
    "the question has no answer": "这个问题没有答案",
    "%(n)s values stand behind tabs: an answer and the numbers of its proofs are all": (
        "制表符后有 %(n)s 个值：只能有答案和依据的编号"
    ),
    "there is no question before the tab": "制表符前没有问题",
    "the question stands before any sentence": "问题前面一个句子也没有",
    "'%(word)s' stands among the numbers of the proofs": "依据的编号里有“%(word)s”",
    "line %(n)s is given as a proof, and is no sentence before it": "第 %(n)s 行被当作依据，但它不是前面的句子",
    "%(what)s is %(kind)s, not a list": "%(what)s 是%(kind)s，不是列表",
    "%(what)s is empty": "%(what)s 是空的",
    "'facts' holds %(fact)s, and the sentences are 0 to %(last)s": (
        "'facts' 里有 %(fact)s，而句子的编号是 0 到 %(last)s"
    ),
    "stories are not read from the format %(format)s": "不能从 %(format)s 格式读取故事",
    "read are text files in bAbI's format, and .jsonl": "能读的是 bAbI 格式的文本文件和 .jsonl",
    "sentences with an attention above a half, beside those given as proofs, over %(n)s questions": (
        "注意力超过一半的句子与给出的依据相比，共 %(n)s 个问题"
    ),
    "text that nothing is asked about": "没有人提问的文本",
    "passages, or sentences of a story, that nothing is asked about": "没有人提问的段落或故事句子",
    "the emptied stories": "清空的故事",
    "the same network, shown the questions alone: near chance, if answers come from the stories": (
        "同一个网络，只看问题：答案若来自故事，它应接近瞎猜"
    ),
    "paired interval of the difference in accuracy: what answers minus the emptied stories": (
        "准确率之差的配对区间：作答者减去清空的故事"
    ),
    "sentences that prove": "作为依据的句子",
    # hidden words
    "%(amount)s to hide words in: words as tokens, in Chinese characters, %(n)s ids at most": (
        "用来遮盖词语的%(amount)s：以词为词元，中文以字为词元，最多 %(n)s 个编号"
    ),
    "Accuracy on hidden tokens beside the floor": "被遮盖词元的准确率与底线",
    "Accuracy on hidden tokens, best first": "被遮盖词元的准确率，最好的在前",
    "Bar picture of the accuracy on hidden tokens, higher is better.": "被遮盖词元准确率的条形图，越高越好。",
    "Each token of the held-out text is hidden once; this is the share of them whose likeliest guess is right.": (
        "留出文本的每个词元都被遮盖一次；这是其中最可能的猜测恰好正确的比例。"
    ),
    "Higher is better: the share of the hidden tokens that are guessed.": "越高越好：被遮盖的词元中猜对的比例。",
    "It guesses %(ours)s %% of the hidden tokens by what stands around them; always the most frequent one would be "
    "right for %(theirs)s %%.": ("它凭前后文猜对了 %(ours)s %% 的被遮盖词元；总是猜最常见的词元则对 %(theirs)s %%。"),
    "It guesses %(ours)s %% of the hidden tokens, always the most frequent one would be right for %(theirs)s %%; its "
    "loss is no better than that of the frequencies: it has learned nothing of the words around.": (
        "它猜对了 %(ours)s %% 的被遮盖词元，总是猜最常见的词元则对 %(theirs)s %%；它的损失并不比词频的更低："
        "它还没有从前后文学到东西。"
    ),
    "It guesses %(ours)s %% of the hidden tokens.": "它猜对了 %(ours)s %% 的被遮盖词元。",
    "It guesses hidden words and says nothing else of a text: it is a beginning for other runs, by --from.": (
        "它只会猜被遮盖的词，对文本不作别的判断：它是供其他训练用 --from 起步的。"
    ),
    "Line picture of the loss in nats per hidden token by step.": "每个被遮盖词元的损失（奈特）随步数变化的折线图。",
    "There is no floor: the run's training text is not there.": "没有底线：这次训练的文本已不在。",
    "accuracy on hidden tokens": "被遮盖词元的准确率",
    "accuracy on hidden tokens, higher is better": "被遮盖词元的准确率，越高越好",
    "each token once, in one of %(n)s readings that are the same for every run": (
        "每个词元恰好一次，分在 %(n)s 遍阅读中，对每次训练都相同"
    ),
    "guessed": "猜对",
    "hidden tokens": "被遮盖的词元",
    "knows how often each token stands in the training text, and nothing of the words around it": (
        "只知道每个词元在训练文本中出现多少次，对前后文一无所知"
    ),
    "loss, nats per hidden token": "损失，每个被遮盖词元的奈特数",
    "nats per hidden token": "每个被遮盖词元的奈特数",
    "per hidden token": "按被遮盖的词元计",
    "perplexity of hidden tokens": "被遮盖词元的困惑度",
    "share of the hidden tokens whose likeliest guess is right": "被遮盖的词元中最可能的猜测恰好正确的比例",
    "the most frequent token": "最常见的词元",
    "what is hidden": "遮盖了什么",
    # remote models
    "There is no floor: what a remote model was trained on is not known, nor whether this text was in it.": (
        "没有基线：不知道远程模型用什么训练，也不知道其中有没有这段文本。"
    ),
    "those of the server of %(name)s": "%(name)s 的服务器所用的词元",
    "not scored: a server does not tell it": "不计：服务器不给出",
    "nothing": "无",
    "%(tokens)s tokens of %(bytes)s bytes, the first of each piece: they have no probability and are not counted": (
        "%(tokens)s 个词元，共 %(bytes)s 字节，即每一段的第一个词元：没有概率，不计入"
    ),
    "pieces of at most %(n)s characters": "每段至多 %(n)s 个字符",
    "%(n)s pieces of one document": "一篇文档的 %(n)s 段",
    "It spends %(bpb)s bits on a byte of this text and %(bpc)s on a character.": (
        "它在这段文本上每字节花 %(bpb)s 比特，每字符花 %(bpc)s 比特。"
    ),
    "tf-idf with logistic regression was taught by the %(n)s examples of the prompt.": (
        "tf-idf 加逻辑回归只用提示中的 %(n)s 个例子训练。"
    ),
    "Always the same class: the one that most of these very texts have.": "总选同一类：选的是这些文本中最多的那一类。",
    "%(n)s answer is none of the labels and counts as wrong.": "%(n)s 个回答不是任何一个标签，算错。",
    "%(n)s answers are none of the labels and count as wrong.": "%(n)s 个回答不是任何一个标签，算错。",
    "texts whose answer is their label": "回答就是其标签的文本",
    "mean over the classes that occur, answers that are none of the labels as one of them; nothing over nothing is 0": (
        "对出现的各类取平均，不是任何标签的回答自成一类；零除以零记为 0"
    ),
    "none: a remote model gives answers": "没有：远程模型只给出回答",
    "those that the server of %(name)s tells of the labels, shared out over them; not calibrated": (
        "由 %(name)s 的服务器给出的各标签的概率，在标签之间归一；未经校准"
    ),
    "not found in %(n)s files": "在 %(n)s 个文件中没有找到",
    "said, but it stands in none of the passages: %(said)s": "模型说了，但任何段落里都没有：%(said)s",
    "nearest:": "最接近的：",
    "answered rightly, of %(n)s with an answer": "答对，共 %(n)s 个有答案的问题",
    "refused, of %(n)s without one": "拒答，共 %(n)s 个没有答案的问题",
    "answered, of %(n)s": "作答，共 %(n)s 个问题",
    "right, of those answered": "作答中答对的",
    "exact match of the answers, all questions": "答案完全一致，全部问题",
    "F1 of the answers, all questions": "答案的 F1，全部问题",
    "overlap": "词语重叠",
    "threshold %(threshold)s; overlap: a sentence of the best passage, never refused": (
        "阈值 %(threshold)s；词语重叠：取最佳段落中的一句，从不拒答"
    ),
    "mistake: %(what)s": "错误：%(what)s",
    "right": "答对",
    "refused": "拒答",
    "s a question": "秒/问题",
    "training s": "训练秒数",
    "%(n)s questions, %(m)s of them without an answer": "%(n)s 个问题，其中 %(m)s 个没有答案",
    "not run: %(title)s: %(command)s": "没有运行：%(title)s：%(command)s",
    "s a question: of a processor; MB: weights and index; * recommended": "秒/问题：处理器时间；MB：权重与索引；* 推荐",
    "ECE and Brier score are those of the %(n)s texts that have probabilities.": (
        "ECE 与 Brier 分数只取自有概率的 %(n)s 篇文本。"
    ),
    "BLEU is %(ours)s; that of the sources as they stand %(copy)s.": "BLEU 为 %(ours)s；照抄原文为 %(copy)s。",
    "%(n)s answer stands nowhere in its passage; it is held beside the right ones as it came.": (
        "%(n)s 个回答在段落中找不到；照原样与正确答案比较。"
    ),
    "%(n)s answers stand nowhere in their passages; they are held beside the right ones as they came.": (
        "%(n)s 个回答在段落中找不到；照原样与正确答案比较。"
    ),
    "where the answer is %(word)s": "当回答是“%(word)s”时",
    "the likeliest token each time": "每次取最可能的词元",
    "A run of ours also pays for the end of each document, which a remote model is not asked for.": (
        "自己训练的模型还要为每篇文档的结尾付出代价，远程模型不问这一项。"
    ),
    "Bits per byte are not compared: a remote model tells no probabilities of a translation.": (
        "不比较每字节比特数：远程模型不给出译文的概率。"
    ),
    # tokenizers of other people's models
    "The tokenizer is another's: %(files)s.": "分词器来自他人的模型：%(files)s。",
    "Of %(n)s texts made of the pieces of %(file)s, %(others)s are cut otherwise than sentencepiece cuts them.": (
        "用 %(file)s 的词元拼成的 %(n)s 段文本中，有 %(others)s 段的切分与 sentencepiece 不同。"
    ),
    "The tokenizer changes %(share)s %% of the texts (%(n)s of %(all)s): ids do not give them back to the letter.": (
        "分词器改动了 %(share)s %% 的文本（%(all)s 段中的 %(n)s 段）：由编号不能逐字还原它们。"
    ),
    "%(share)s %% of the tokens (%(n)s of %(all)s) are unknown to the tokenizer: the model cannot tell them apart.": (
        "%(share)s %% 的词元（%(all)s 个中的 %(n)s 个）是分词器不认识的：模型无法区分它们。"
    ),
    # poems in a form
    "By the model's own probabilities: %(kept)s bits per character in this form, %(free)s without it (same seed "
    "and settings); the form forbade %(share)s %% of the probability at a token.": (
        "按模型自身的概率：守此格式每字 %(kept)s 比特，不守为 %(free)s（种子与设置相同）；格式在每个词元处平均禁去 "
        "%(share)s %% 的概率。"
    ),
    # conditions
    "The training text is not there: conditions are not compared with it.": "训练文本已不在：条件未与之比对。",
    "Not said, and left empty: %(names)s.": "未给出、留空的条件：%(names)s。",
    "The training text has no %(name)s '%(value)s'.": "训练文本中 %(name)s 没有“%(value)s”。",
    "The training text has no %(name)s '%(value)s'; the nearest is '%(near)s'.": (
        "训练文本中 %(name)s 没有“%(value)s”；最接近的是“%(near)s”。"
    ),
    "No %(name)s was said: '%(value)s' is taken from the training text.": (
        "未给出 %(name)s：取训练文本中的“%(value)s”。"
    ),
    # two models on the same bytes
    "Not counted for either: %(n)s of %(all)s bytes, at the beginning of documents, which a model without a begin mark "
    "only reads.": ("双方都不计入：文档开头共 %(n)s 个字节（全部 %(all)s 个字节），没有起始标记的模型只读入它们。"),
    "The text is one document: %(n)s contiguous parts of it are drawn, cut where tokens of both end.": (
        "文本只有一篇文档：抽取的是其中 %(n)s 个连续的部分，在双方词元都结束之处切分。"
    ),
    # conversations
    "%(file)s: read as conversations, from %(keys)s (--data.conversations false reads it otherwise): "
    "%(conversations)s, %(answers)s; the answers alone are learned and measured.": (
        "%(file)s：按对话读取，取自 %(keys)s（--data.conversations false 则不按对话读取）：%(conversations)s，"
        "%(answers)s；只学习和评测回答。"
    ),
    "%(n)s conversations": "%(n)s 段对话",
    "%(n)s conversation": "%(n)s 段对话",
    "%(n)s answers": "%(n)s 个回答",
    "%(n)s answer": "%(n)s 个回答",
    "%(source)s is all there is, one conversation: nothing is held out.": (
        "%(source)s 是全部内容，只有一段对话：没有留出任何部分。"
    ),
    "'%(key)s' is no list of messages, or an empty one": "“%(key)s”不是消息的列表，或者是空的",
    "message %(n)s is no object with 'role' and 'content'": "第 %(n)s 条消息不是带有 'role' 和 'content' 的对象",
    "message %(n)s is said by '%(role)s' (known are: %(roles)s)": (
        "第 %(n)s 条消息出自“%(role)s”（已知的有：%(roles)s）"
    ),
    "no message is the assistant's: there is no answer to learn": "没有一条消息出自 assistant：没有可学的回答",
    "the content of message %(n)s": "第 %(n)s 条消息的内容",
    "it learns from %(run)s too (%(arch)s, %(n)s parameters, step %(step)s), which reads the text once": (
        "它还向 %(run)s 学习（%(arch)s，%(n)s 个参数，第 %(step)s 步），后者把文本读一遍"
    ),
    "it learns from %(run)s too (%(arch)s, %(n)s parameters, step %(step)s), which reads along": (
        "它还向 %(run)s 学习（%(arch)s，%(n)s 个参数，第 %(step)s 步），后者边训练边读"
    ),
    "It computes in float32: what is smaller is the file, not the memory that it takes.": (
        "它仍以 float32 计算：变小的是文件，而不是占用的内存。"
    ),
    "it is a copy in fewer bits: what its loss suffers from is said of %(run)s": (
        "它是位数更少的副本：损失受什么影响，请看 %(run)s 的诊断"
    ),
    # how a run writes
    "as it writes": "按现在的写法",
    "people": "人写的文本",
    "temperature 1": "温度 1",
    "temperature 0": "温度 0",
    "texts that loop": "陷入循环的文本",
    "4 tokens repeated (rep-4)": "重复的 4 个词元（rep-4）",
    "different 3 tokens (distinct-3)": "不同的 3 个词元（distinct-3）",
    "bits per byte, by the model": "比特/字节（模型自己估计）",
    "texts that end": "写到结尾的文本",
    "copied from the training text": "照抄训练文本",
    "%(run)s: %(n)s texts from beginnings of its %(part)s, beside as long pieces of it": (
        "%(run)s：从%(part)s的开头续写 %(n)s 段，与同样长的原文片段对照"
    ),
    "Of %(n)s ways of writing tried on validation, %(stays)s loop at most two points more than people. The one nearest "
    "to people's text is chosen, and stands in the run's config.toml now:": (
        "在验证文本上试了 %(n)s 种写法，其中 %(stays)s 种的循环率比人写的文本最多高两个百分点。"
        "选出最接近人写文本的一种，现已写入该模型的 config.toml："
    ),
    "It loops more than people do.": "它比人写的文本更常陷入循环。",
    "It does not loop more than people do, beyond two points and chance.": (
        "它陷入循环并不比人写的文本多（除去两个百分点和偶然）。"
    ),
    "None of the known causes explains it.": "已知的原因都解释不了。",
    "The longest passages that stand in the training text:": "在训练文本里能找到的最长段落：",
    "no %(n)s characters of it stand in the training text": "训练文本里没有它的任何连续 %(n)s 个字符",
    "copied: %(share)s (in stretches of %(least)s characters or more); the longest has %(n)s, from %(source)s, "
    "character %(offset)s": (
        "照抄：%(share)s（以连续 %(least)s 个字符以上计）；最长一段有 %(n)s 个字符，"
        "出自 %(source)s 第 %(offset)s 个字符处"
    ),
    "No way of writing that was tried keeps within two points of people: the one that loops least.": (
        "试过的写法没有一种能保持在比人写文本高两个百分点以内：取循环最少的一种。"
    ),
    "%(n)s texts are longer than every held-out document: beside them stands the longest one, whole.": (
        "有 %(n)s 段文本比每一篇留出的文档都长：与它们对照的是其中最长的整篇。"
    ),
    "Of people's held-out text, too, %(percent)s %% stands in the training text, in stretches of %(n)s characters: "
    "what the model copies is to be held against that.": (
        "人写的留出文本里也有 %(percent)s %% 出现在训练文本中（以连续 %(n)s 个字符计）：模型照抄的多少应与此对照。"
    ),
    "no end mark": "没有结束标记",
    "undertrained": "训练不足",
    "decoding": "解码方式",
    "it needs %(bpb)s bits per byte of held-out text, counting n-grams %(floor)s": (
        "留出的文本它每字节需要 %(bpb)s 比特，单靠统计 n 元语法只需 %(floor)s"
    ),
    "in the last quarter of the steps the loss still fell by %(fall)s": "在最后四分之一的步数里，损失还下降了 %(fall)s",
    "Train longer: more --steps or --minutes.": "训练得更久：用更多的 --steps 或 --minutes。",
    "%(now)s of its texts loop as they are written now, %(sampled)s at temperature 1 without any cut": (
        "按现在的写法有 %(now)s 的文本陷入循环，温度为 1 且不作任何截断时为 %(sampled)s"
    ),
    "Let more chance in: a higher --temperature or --top-p, or --no-repeat 8; --choose tries them.": (
        "让偶然多一些：提高 --temperature 或 --top-p，或用 --no-repeat 8；--choose 会逐一试过。"
    ),
    "Let each document end: a file, record or line each, so that an end mark follows it; prepare and train anew.": (
        "让每篇文档都有结尾：各占一个文件、一条记录或一行，后面才会有结束标记；然后重新准备文本并训练。"
    ),
    "%(people)s of people's texts end within so many tokens, of the model's %(model)s; where documents end, it gives "
    "the end mark a probability of %(mark)s (training text: %(n)s marks)": (
        "人写的文本有 %(people)s 在这么多词元内结束，模型写的只有 %(model)s；"
        "在文档结尾处，它给结束标记的概率是 %(mark)s（训练文本中有 %(n)s 个标记）"
    ),
    "the training text is %(n)s documents, so hardly any end was seen": "训练文本只有 %(n)s 篇文档，几乎没有见过结尾",
}
