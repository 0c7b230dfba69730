import ApusCommand
import Testing

struct TerminalTests {
  @Test(arguments: [
    (true, ["TERM": "xterm-256color"], true), (false, ["TERM": "xterm-256color"], false),
    (true, ["TERM": "dumb"], false), (true, [:], false),
    (true, ["TERM": "xterm", "NO_COLOR": "1"], false),
    (true, ["TERM": "xterm", "NO_COLOR": ""], true),
  ])
  func stylesAreForTerminalsThatWantThem(
    isTerminal: Bool, environment: [String: String], expected: Bool
  ) {
    #expect(
      Terminal.showsStyles(isTerminal: isTerminal, environment: environment) == expected)
  }

  @Test func controlCharactersAreLeftOut() {
    for value in UInt32(0)...0xFF {
      let scalar = Unicode.Scalar(UInt8(value))
      let isControl = value < 0x20 || (0x7F..<0xA0).contains(value)
      let stays = !isControl || scalar == "\n" || scalar == "\t"
      #expect(("a" + String(scalar) + "b").harmless.unicodeScalars.count == (stays ? 3 : 2))
    }
    #expect("é 日本 👩‍🚀\n\t".harmless == "é 日本 👩‍🚀\n\t")
    #expect("\u{1B}]0;title\u{7}\u{1B}[2J".harmless == "]0;title[2J")
  }

  @Test func stylesChangeWithAsLittleAsPossible() {
    #expect(TextStyle.bold.sequence(to: .bold) == "")
    #expect(TextStyle().sequence(to: [.bold, .italic]) == "\u{1B}[1;3m")
    #expect(TextStyle.bold.sequence(to: [.bold, .code]) == "\u{1B}[36m")
    #expect(TextStyle.bold.sequence(to: .dim) == "\u{1B}[0;2m")
    #expect(TextStyle([.bold, .italic]).sequence(to: []) == "\u{1B}[0m")
  }
}
