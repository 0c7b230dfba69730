import ApusText
import Testing

@Suite(.serialized) struct UnicodeNormalizationTests {
  private func apply(_ form: UnicodeNormalization.Form, _ text: String) -> [UInt32] {
    UTF8Scan.scalars(UnicodeNormalization.apply(form, Array(text.utf8)))
  }

  @Test func composesAndDecomposes() {
    #expect(apply(.nfd, "\u{1E69}") == [0x73, 0x323, 0x307])
    #expect(apply(.nfc, "s\u{307}\u{323}") == [0x1E69])
    #expect(apply(.nfkc, "ﬁ²Ω") == [0x66, 0x69, 0x32, 0x3A9])
    #expect(apply(.nfc, "\u{2126}") == [0x3A9])
    #expect(apply(.nfkd, "\u{FDFA}").count == 18)
  }

  @Test func hangul() {
    #expect(apply(.nfd, "각") == [0x1100, 0x1161, 0x11A8])
    #expect(apply(.nfc, "\u{1100}\u{1161}\u{11A8}") == [0xAC01])
    #expect(apply(.nfc, "가\u{11A7}") == [0xAC00, 0x11A7])
  }

  @Test func blockedMarksStayApart() {
    #expect(apply(.nfc, "a\u{5AE}\u{300}\u{301}") == [0xE0, 0x5AE, 0x301])
    #expect(apply(.nfc, "\u{958}\u{301}\u{93C}") == [0x915, 0x93C, 0x93C, 0x301])
    #expect(apply(.nfc, "a\u{308}\u{308}") == [0xE4, 0x308])
  }

  @Test func normalFormsAreIdempotent() {
    let text = "Ａ①ｶﾞ각\u{301}\u{323}é½ \u{1F1E9}\u{344}"
    for form in [UnicodeNormalization.Form.nfc, .nfd, .nfkc, .nfkd] {
      let once = UnicodeNormalization.apply(form, Array(text.utf8))
      #expect(UnicodeNormalization.apply(form, once) == once)
    }
  }
}
