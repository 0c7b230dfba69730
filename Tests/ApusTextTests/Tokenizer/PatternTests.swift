import ApusText
import Testing

@Suite(.serialized) struct PatternTests {
  private func matches(_ pattern: String, _ text: String) throws -> [String] {
    let bytes = Array(text.utf8)
    var found: [String] = []
    try PatternAutomaton(pattern).forEachMatch(bytes, 0..<bytes.count) {
      found.append(String(decoding: bytes[$0..<$1], as: UTF8.self))
    }
    return found
  }

  @Test func firstAlternativeWins() throws {
    #expect(try matches("a|ab", "ab") == ["a"])
    #expect(try matches("ab|a", "ab") == ["ab"])
    #expect(try matches("(?:a|ab)(?:c|bcd)?", "abcd") == ["abcd"])
  }

  @Test func repeats() throws {
    #expect(try matches("a{2,3}", "aaaaaaa") == ["aaa", "aaa"])
    #expect(try matches("a{2}", "aaaaa") == ["aa", "aa"])
    #expect(try matches("a+?", "aaa") == ["a", "a", "a"])
    #expect(try matches("ab*", "abbba") == ["abbb", "a"])
    #expect(try matches("a{,2}b", "aaab") == ["aab"])
    #expect(try matches("a{x}", "a{x}") == ["a{x}"])
  }

  @Test func possessiveRepeats() throws {
    #expect(try matches("a++a", "aaaa") == [])
    #expect(try matches("a?+a", "aa") == ["aa"])
    #expect(try matches("a?+a", "a") == [])
    #expect(throws: TokenizerError.self) { try PatternAutomaton("(?:ab)++") }
  }

  @Test func lookAhead() throws {
    #expect(try matches(#"\s+(?!\S)|\s+"#, "a   b  ") == ["  ", " ", "  "])
    #expect(try matches("a(?=b)", "abaab") == ["a", "a"])
    #expect(try matches("a$", "aa\na") == ["a", "a"])
  }

  @Test func classes() throws {
    #expect(try matches(#"[^\s\p{L}]+"#, "ab, 12!c") == [",", "12!"])
    #expect(try matches("[a-c&&[^b]]+", "abcb") == ["a", "c"])
    #expect(try matches(#"[\p{Han}]+"#, "a漢字b") == ["漢字"])
    #expect(try matches("[]a]+", "x]a") == ["]a"])
    #expect(try matches("[a-]+", "a-b") == ["a-"])
    #expect(try matches(#"\x41\u0042\x{43}"#, "ABC") == ["ABC"])
  }

  @Test func caseFolding() throws {
    #expect(try matches("(?i:'s|'re)", "'S 're 'rE '\u{17F}") == ["'S", "'re", "'rE", "'\u{17F}"])
    #expect(try matches("(?i:a)b", "AB Ab") == ["Ab"])
  }

  @Test(arguments: [
    "(", ")", "a**(", "[a", "[b-a]", #"\p{Nope}"#, "(?<=a)b", "(?=ab)c", #"(a)\1"#, "a{2000}", "*a",
    #"(?:(?:(?:a{1,900}){1,900}){1,900})"#, "(?:.{0,900}x){0,20}", "[ab]*a[ab]{30}",
  ])
  func whatCannotBeCompiledIsAnError(pattern: String) {
    #expect(throws: TokenizerError.self) { try PatternAutomaton(pattern) }
  }

  @Test func everyCataloguedPreTokenizerCompiles() throws {
    for name in PatternCatalog.names { _ = try PatternCatalog.preTokenizer(named: name) }
    #expect {
      try PatternCatalog.preTokenizer(named: "nope")
    } throws: { error in
      "\(error)".contains("'nope'") && "\(error)".contains("llama-bpe")
    }
  }

  @Test func digitGroupsCountFromTheRight() {
    func groups(_ text: String, atWordEnd: Bool) -> [String] {
      let bytes = Array(text.utf8)
      var found: [String] = []
      DigitGroups.forEach(in: bytes, 0..<bytes.count, onlyAtWordEnd: atWordEnd) {
        found.append(String(decoding: bytes[$0], as: UTF8.self))
      }
      return found
    }
    #expect(groups("1234567 12", atWordEnd: false) == ["1", "234", "567", "12"])
    #expect(groups("1234a 5678", atWordEnd: true) == ["5", "678"])
  }
}
