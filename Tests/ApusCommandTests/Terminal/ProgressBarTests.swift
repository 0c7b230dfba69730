import ApusCommand
import Synchronization
import Testing

struct ProgressBarTests {
  private final class Screen: Sendable {
    private let writes = Mutex<[String]>([])

    var all: [String] { writes.withLock { $0 } }
    func write(_ text: String) { writes.withLock { $0.append(text) } }
  }

  private func drawing(_ text: String) -> String { "\u{1B}[?7l\r\u{1B}[K\(text)\u{1B}[?7h" }

  @Test func drawsWhatHasChanged() {
    let screen = Screen()
    let bar = ProgressBar("loading", isEnabled: true, write: screen.write)
    bar.draw()
    #expect(screen.all.isEmpty)
    bar.update(1, of: 4, detail: "1 of 4 layers")
    #expect(screen.all.isEmpty)
    bar.draw()
    bar.draw()
    bar.update(1, of: 4, detail: "1 of 4 layers")
    bar.draw()
    let quarter = String(repeating: "█", count: 7) + String(repeating: "·", count: 23)
    #expect(screen.all == [drawing("loading \(quarter) 25 % 1 of 4 layers")])
    bar.update(2, of: nil, detail: "more")
    bar.draw()
    #expect(screen.all.last == drawing("loading more"))
  }

  @Test func finishingClearsWhatWasDrawn() {
    let screen = Screen()
    let bar = ProgressBar("loading", isEnabled: true, write: screen.write)
    bar.update(1, of: 2)
    bar.finish()
    bar.draw()
    #expect(screen.all.isEmpty)
    bar.update(1, of: 2)
    bar.draw()
    bar.finish()
    bar.finish()
    #expect(screen.all.count == 2)
    #expect(screen.all.last == "\r\u{1B}[K")
    bar.update(1, of: 2)
    bar.draw()
    #expect(screen.all.count == 3)
  }

  @Test func showsNothingWhenItIsOff() {
    let screen = Screen()
    let bar = ProgressBar("loading", isEnabled: false, write: screen.write)
    bar.update(1, of: 2)
    bar.draw()
    bar.finish()
    #expect(screen.all.isEmpty)
  }

  @Test(arguments: [(-1, 0), (0, 0), (1, 33), (3, 100), (9, 100)])
  func sharesStayBetweenNothingAndAll(done: Int, percent: Int) {
    let text = ProgressLine(label: "x", done: done, total: 3).text
    #expect(text.count { $0 == "█" || $0 == "·" } == 30)
    #expect(text.hasSuffix(" \(percent) %"))
    #expect(ProgressLine(label: "x", done: done, total: 0).text == "x")
  }

  @Test func longAndHostileLabelsStayOnTheLine() {
    let path = "loading /" + String(repeating: "folder/", count: 20) + "model\u{1B}[2J.gguf"
    let line = ProgressLine(label: path, done: 0, total: nil)
    #expect(line.text.hasPrefix("loading /fold"))
    #expect(line.text.hasSuffix("[2J.gguf"))
    #expect(line.text.count == 40)
    #expect(line.drawing == drawing(line.text.harmless))
  }
}
