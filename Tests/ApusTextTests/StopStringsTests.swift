import ApusText
import Testing

@Suite(.serialized) struct StopStringsTests {
  /// Feeds the pieces and returns everything shown.
  private func run(_ stops: [String], _ pieces: [String]) -> (text: String, stopped: Bool) {
    var filter = StopStrings(stops)
    var shown = ""
    for piece in pieces {
      let (text, stopped) = filter.append(piece)
      shown += text
      if stopped { return (shown, true) }
    }
    return (shown + filter.finish(), false)
  }

  @Test func cutsBeforeTheStop() {
    #expect(run(["END"], ["one E", "N", "D two"]) == ("one ", true))
    #expect(run(["END"], ["one E", "N", "E two"]) == ("one ENE two", false))
    #expect(run(["\n\n"], ["a\n", "b\n", "\nc"]) == ("a\nb", true))
  }

  @Test func holdsBackOnlyWhatMayBecomeAStop() {
    var filter = StopStrings(["</s>", "User:"])
    #expect(filter.append("Hello <").text == "Hello ")
    #expect(filter.append("/b> Us").text == "</b> ")
    #expect(filter.append("ual").text == "Usual")
    #expect(filter.finish() == "")
  }

  @Test func firstCompleteStopWinsAndTheLongerOfTwo() {
    #expect(run(["cd", "bcd"], ["abcde"]) == ("a", true))
    #expect(run(["abcd", "bc"], ["abcd"]) == ("a", true))
    #expect(run(["aab"], ["aaab"]) == ("a", true))
  }

  @Test func matchesBytesNotGraphemes() {
    // "e" followed by a combining accent is another character than the stop string "e", but the same bytes.
    #expect(run(["e"], ["he\u{301}"]) == ("h", true))
    #expect(run(["é"], ["e\u{301}"]) == ("e\u{301}", false))
    #expect(run(["\u{1F1E9}"], ["x\u{1F1E9}\u{1F1EA}"]) == ("x", true))
  }

  @Test func emptyStopsNeverMatch() {
    #expect(run([""], ["abc"]) == ("abc", false))
    #expect(run([], ["abc", "é"]) == ("abcé", false))
  }

  @Test func nothingComesAfterAStop() {
    var filter = StopStrings(["x"])
    #expect(filter.append("axb") == ("a", true))
    #expect(filter.append("more") == ("", true))
    #expect(filter.finish() == "")
  }

  @Test func sameForEveryWayOfCutting() {
    var random = SystemRandomNumberGenerator()
    let alphabet = Array("ab\u{e9}漢".unicodeScalars)
    func word(_ count: Int) -> String {
      String(
        String.UnicodeScalarView(
          (0..<count).map { _ in alphabet.randomElement(using: &random) ?? "a" }))
    }
    for _ in 0..<2000 {
      let stops = (0..<Int.random(in: 1...3, using: &random)).map { _ in
        word(Int.random(in: 1...4, using: &random))
      }
      let text = word(Int.random(in: 0...20, using: &random))
      let whole = run(stops, [text])
      let pieces = text.unicodeScalars.map { String($0) }
      #expect(run(stops, pieces) == whole, "\(stops) \(text)")
      // The naive answer: the shortest prefix that ends in a stop string, less the longest such stop.
      let scalars = Array(text.unicodeScalars)
      let ends = (0...scalars.count).first { end in
        stops.contains {
          Array(scalars[..<end].suffix($0.unicodeScalars.count)) == Array($0.unicodeScalars)
        }
      }
      #expect(whole.stopped == (ends != nil))
      guard let ends else { continue }
      let length =
        stops.filter {
          Array(scalars[..<ends].suffix($0.unicodeScalars.count)) == Array($0.unicodeScalars)
        }.map { $0.unicodeScalars.count }.max() ?? 0
      #expect(whole.text.unicodeScalars.elementsEqual(scalars[..<(ends - length)]))
    }
  }
}
