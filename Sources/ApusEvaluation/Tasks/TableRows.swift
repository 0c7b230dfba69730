import ApusCore

/// The rows of one HTML table as tab-separated values (LongProc's HTML to TSV, arXiv:2501.05414).
struct TableRows: AnswerTask {
  init(options: PluginOptions) {}

  private typealias Column = (name: String, value: @Sendable (inout RandomSource) -> String)

  private static let columns: [Column] = [
    ("ship", { $0.ship() }), ("captain", { $0.person() }), ("port", { $0.town() }),
    ("cargo", { $0.pick(WordLists.cargoes) }), ("crew", { $0.digits(2) }),
    ("day", { $0.pick(WordLists.days) }), ("item", { $0.pick(WordLists.nouns) }),
    ("price", { $0.digits(3) }), ("colour", { $0.pick(WordLists.colours) }),
  ]

  private struct Table {
    let title: String
    let columns: [String]
    let rows: [[String]]

    init(_ title: String, rowCount: Int, _ random: inout RandomSource) {
      self.title = title
      let chosen = random.sample(TableRows.columns, random.number(in: 2...3))
      columns = chosen.map(\.name)
      rows = (0..<rowCount).map { _ in chosen.map { $0.value(&random) } }
    }

    var html: String {
      let head = columns.map { "<th>\($0)</th>" }.joined()
      let body = rows.map { row in
        "<tr>" + row.map { "<td>\($0)</td>" }.joined() + "</tr>"
      }
      return (["<h2>\(title)</h2>", "<table>", "<tr>\(head)</tr>"] + body + ["</table>"])
        .joined(separator: "\n")
    }

    var lines: [String] { rows.map { $0.joined(separator: "\t") } }
  }

  let leastSize = 4

  /// Tables and paragraphs in turn, until their rows and sentences are `size`.
  func makeCase(size: Int, number: Int, using random: inout RandomSource) -> EvaluationCase {
    let titles = random.distinct(1 + size / 6) {
      "\($0.pick(WordLists.nouns).capitalized)s of \($0.town())"
    }
    var parts: [String] = []
    var tables: [Table] = []
    var rest = size
    while rest > 0, tables.count < titles.count {
      let table = Table(
        titles[tables.count], rowCount: min(max(2, rest), random.number(in: 2...6)), &random)
      rest -= table.rows.count
      tables.append(table)
      parts.append(table.html)
      let sentences = min(rest, random.number(in: 0...8))
      if sentences > 0 {
        parts.append(
          "<p>\(Haystack(.prose).sentences(sentences, &random).joined(separator: " "))</p>")
        rest -= sentences
      }
    }
    let asked = tables[Depths.place(number, of: tables.count)]
    return EvaluationCase(
      document: "<html><body>\n" + parts.joined(separator: "\n") + "\n</body></html>",
      question:
        "Write the rows of the table \"\(asked.title)\" as tab separated values: \(asked.columns.joined(separator: ", ")).",
      answer: asked.lines.joined(separator: "\n"), expected: asked.lines)
  }

  func score(_ answer: String, for example: EvaluationCase) -> TaskScore {
    .f1(answer.filledLines, example.expected)
  }
}
