import ApusAttention
import ApusCore
import Foundation
import Testing

/// What holds for every selector of the catalog.
@Suite(.serialized) struct SelectorContractTests {
  private static let names = KeySelectors.catalog.names

  /// Steps that add one key, and some that add more, over texts of many lengths.
  @Test(arguments: names, [64, 80, 128])
  func selectsWithinBounds(name: String, dimension: Int) throws {
    var test = SelectorCase(count: 3100, dimension: dimension)
    for budget in [96, 300, 1024] {
      let selector = try KeySelectors.make("\(name):budget=\(budget)")
      #expect(selector.budget == budget)
      for first in [1, 2, 32, 33, 65, 97, 129, 400, 1025, 3000] {
        let memories = [HeadMemory(), HeadMemory()]
        var count = first
        for step in [1, 1, 1, 31, 1, 40, 1, 1] {
          test.drawQuery()
          let sentences = first % 2 == 0 ? stride(from: 17, to: count, by: 17).map { $0 } : []
          let selections = memories.map {
            test.select(selector, $0, count: count, sentences: sentences)
          }
          check(selections[0], test.headKeys(count), budget)
          #expect(selections[0].pages == selections[1].pages)
          #expect(selections[0].masks == selections[1].masks)
          count += step
        }
      }
    }
  }

  private func check(_ selection: KeySelection, _ keys: HeadKeys, _ budget: Int) {
    let pages = selection.pages
    #expect(zip(pages, pages.dropFirst()).allSatisfy { $0 < $1 }, "pages ascend")
    #expect(pages.allSatisfy { (0..<keys.pageCount).contains(Int($0)) })
    #expect(selection.masks.isEmpty || selection.masks.count == pages.count)
    #expect(selection.masks.allSatisfy { $0 != 0 })
    #expect(selection.keyCount == selection.keys.count)
    #expect(selection.keyCount <= budget)
    // Whole pages and whole sentences may leave some of the budget.
    #expect(selection.keyCount >= min(keys.pageCount * HeadKeys.pageSize, budget) / 2)
  }

  /// A key that the query points at is read wherever it stands.
  @Test(arguments: names, [64, 80, 128])
  func findsNeedles(name: String, dimension: Int) throws {
    let selector = try KeySelectors.make("\(name):budget=512")
    for (seed, needle) in [0, 5, 700, 1477, 1500, 2222, 2900, 2975].enumerated() {
      var test = SelectorCase(count: 3000, dimension: dimension, seed: UInt64(seed))
      // HiP looks at single keys and takes it that their neighbours are alike.
      let slope = name == "hip" ? 100 : 0
      for key in max(needle - slope, 0)...min(needle + slope, 2999) {
        test.plant(key, times: 20 - 15 * Float(abs(key - needle)) / Float(max(slope, 1)))
      }
      for sentences in [[], stride(from: 20, to: 3000, by: 20).map { $0 }] {
        let selection = test.select(selector, HeadMemory(), sentences: sentences)
        #expect(selection.keys.contains(needle), "\(needle)")
      }
    }
  }

  /// Keys that are no numbers or all alike make no selector fail.
  @Test(arguments: names) func survivesOddKeys(name: String) throws {
    let selector = try KeySelectors.make("\(name):budget=256")
    for key in [Float(0), 1, .nan, .infinity, -3e38] {
      var test = SelectorCase(count: 700)
      for index in 100..<650 { test.set(index, [Float](repeating: key, count: 64)) }
      check(test.select(selector, HeadMemory()), test.headKeys(), 256)
    }
  }

  @Test(arguments: names) func refusesBudgets(name: String) throws {
    for budget in ["0", "1", "31", "-5", "some", "99999999999"] {
      expectError("\(name):budget=\(budget)", names: "budget")
    }
    #expect(try KeySelectors.make(name).budget == 2048)
    #expect(throws: CatalogError.self) { try KeySelectors.make("\(name):bugdet=2048") }
  }

  @Test func everyFileIsInTheCatalog() throws {
    let folder = URL(filePath: #filePath).appending(
      path: "../../../../Sources/ApusAttention/Selectors"
    ).standardizedFileURL
    let files = try FileManager.default.contentsOfDirectory(atPath: folder.path)
      .filter { $0.hasSuffix(".swift") }.map { String($0.dropLast(".swift".count)) }
    let types = KeySelectors.catalog.entries.map { "\($0.element)" }
    #expect(Set(files) == Set(types))
    #expect(Set(types).count == types.count)
    #expect(Set(Self.names).count == types.count)
  }
}
