import ApusCommand
import Testing

struct MarkdownRendererTests {
  /// What is printed, with `<1>` for the sequence that makes a terminal write bold.
  private static func render(_ pieces: [String]) -> String {
    var renderer = MarkdownRenderer()
    let text = pieces.map { renderer.append($0) }.joined() + renderer.finish()
    return text.replacing(/\u{1B}\[([0-9;]*)m/) { "<\($0.output.1)>" }
  }

  struct Case: Sendable, CustomTestStringConvertible {
    let text: String
    let shown: String

    var testDescription: String { text }

    init(_ text: String, _ shown: String) { (self.text, self.shown) = (text, shown) }
  }

  static let cases = [
    Case("plain text\nin lines\n", "plain text\nin lines\n"),
    Case("**bold**", "<1>bold<0>"),
    Case("so *italic* and **bold**.", "so <3>italic<0> and <1>bold<0>."),
    Case("***both*** `code`", "<1;3>both<0> <36>code<0>"),
    Case("**bold *and* bold**", "<1>bold <3>and<0;1> bold<0>"),
    Case("*see (**x**)*", "<3>see (<1>x<0;3>)<0>"),
    Case("**Uses *args and kwargs**!", "<1>Uses <3>args and kwargs<0>!"),
    Case("**重点：**内容 和**重点**内容", "<1>重点：<0>内容 和<1>重点<0>内容"),
    Case("**`x`** is **\"y\"**", "<1;36>x<0> is <1>\"y\"<0>"),
    // What is no emphasis.
    Case("2 * 3 = 2*3, x**2, a *= b", "2 * 3 = 2*3, x**2, a *= b"),
    Case("**/*.swift and *.txt", "**/*.swift and *.txt"),
    Case("snake_case and __init__", "snake_case and __init__"),
    Case("**** and *", "**** and *"),
    Case("* * ", "• * "),
    Case("***\n", "***\n"),
    Case("1*\u{FE0F}\u{20E3} *\u{FE0F}\u{20E3}", "1*\u{FE0F}\u{20E3} *\u{FE0F}\u{20E3}"),
    // Nothing reaches into the next line.
    Case("**open\nnext *x\n\n`c\nd", "<1>open<0>\nnext <3>x<0>\n\n<36>c<0>\nd"),
    // Code keeps what is in it.
    Case("`a*b* \\` ``x ` y``", "<36>a*b* \\<0> <36>x ` y<0>"),
    Case("the ` key", "the ` key"),
    Case("ends with `", "ends with `"),
    Case("```\n**a** \u{2022}\n\n```\n**b**", "<2>```<0>\n<2>**a** •<0>\n\n<2>```<0>\n<1>b<0>"),
    Case("````swift\n```\n````\t\nx", "<2>````swift<0>\n<2>```<0>\n<2>````\t<0>\nx"),
    Case("```\n``` x\n``\n~~~\n`", "<2>```<0>\n<2>``` x<0>\n<2>``<0>\n<2>~~~<0>\n<2>`<0>"),
    Case("  ~~~\nx\n  ~~~\n*y*", "  <2>~~~<0>\n<2>x<0>\n<2>  ~~~<0>\n<3>y<0>"),
    Case("```code``` text", "<2>```code<0> text"),
    Case("x ```", "x ```"),
    // Headings, lists, and what only looks so.
    Case("# One\n## Two *it*\ntext", "<1># One<0>\n<1>## Two <3>it<0>\ntext"),
    Case("#include\n#\n####### x", "#include\n<1>#<0>\n####### x"),
    Case("- a\n* **b**\n  + c\n1. d", "• a\n• <1>b<0>\n  • c\n1. d"),
    Case("-x\n--- \n+1\n-", "-x\n--- \n+1\n-"),
    // Backslashes.
    Case("\\*a\\* \\`b \\_ \\(x\\) \\\\*c*\\", "*a* `b _ \\(x\\) \\\\<3>c<0>\\"),
    Case("\\# none", "# none"),
    // Characters that a terminal would obey.
    Case("a\u{1B}[31mred\u{7}\u{8}\u{9B}2J\u{7F}\r\n\tb\0", "a[31mred2J\n\tb"),
    Case("*\u{1B}*bold*\u{1B}*", "<1>bold<0>"),
  ]

  @Test(arguments: cases) func shows(item: Case) {
    #expect(Self.render([item.text]) == item.shown)
  }

  /// All ways to cut a text in two, in single characters, and many ways to cut it in more.
  @Test(arguments: cases) func piecesMakeNoDifference(item: Case) {
    let scalars = Array(item.text.unicodeScalars)
    func text(_ range: Range<Int>) -> String {
      String(String.UnicodeScalarView(scalars[range]))
    }
    func pieces(_ cuts: [Int]) -> [String] {
      zip([0] + cuts, cuts + [scalars.count]).map { text($0..<$1) }
    }
    for cut in 0...scalars.count { #expect(Self.render(pieces([cut])) == item.shown, "\(cut)") }
    #expect(Self.render(pieces(Array(0..<scalars.count))) == item.shown)
    for step in 2...5 {
      for first in 0..<step {
        let cuts = Array(stride(from: first, to: scalars.count, by: step))
        #expect(Self.render(pieces(cuts)) == item.shown, "\(cuts)")
      }
    }
  }

  /// After each character of which nothing depends on the next one, all that came has been printed.
  @Test(arguments: cases) func onlyMarkersAreHeldBack(item: Case) {
    var printed = MarkdownRenderer()
    var soFar = ""
    var output = ""
    for scalar in item.text.unicodeScalars {
      soFar.unicodeScalars.append(scalar)
      output += printed.append(String(scalar))
      let isMarker = "*`~#-+\\".unicodeScalars.contains(scalar)
      guard !isMarker, scalar.isHarmless else { continue }
      var whole = MarkdownRenderer()
      let visible = (whole.append(soFar) + whole.finish()).replacing(/\u{1B}\[[0-9;]*m/, with: "")
      #expect(output.replacing(/\u{1B}\[[0-9;]*m/, with: "") == visible)
    }
  }

  @Test func aRendererCanBeUsedAgain() {
    var renderer = MarkdownRenderer()
    #expect(renderer.append("```\n**x") == "\u{1B}[2m```\u{1B}[0m\n\u{1B}[2m**x")
    #expect(renderer.finish() == "\u{1B}[0m")
    #expect(renderer.append("x") + renderer.finish() == "x")
  }
}
