import ApusAttention
import ApusCompute
import ApusCore
import Testing

@Suite(.serialized) struct SqueezedTests {
  /// Keys of one direction, scattered over the text, are read together.
  @Test func readsAlikeKeysFromEverywhere() throws {
    var test = SelectorCase(count: 3000)
    let alike = stride(from: 50, to: 2800, by: 61).map { $0 }
    for key in alike {
      let noise = test.floats(64)
      test.set(key, zip(test.query[0], noise).map { 2 * $0 + 0.3 * $1 })
    }
    let selector = try KeySelectors.make("squeezed:budget=256,recent=64")
    let selection = test.select(selector, HeadMemory())
    #expect(selection.keys.isSuperset(of: alike))
    #expect(selection.keyCount > 250, "the last cluster is read in part")
    #expect(!selection.masks.isEmpty)
  }

  @Test func readsWhatComesAfterThePrompt() throws {
    let test = SelectorCase(count: 3000)
    let selector = try KeySelectors.make("squeezed:budget=512,recent=64,reuse=1")
    let memory = HeadMemory()
    for count in stride(from: 1700, through: 2960, by: 20) {
      let keys = test.select(selector, memory, count: count).keys
      let end = (count - 1) / 32 * 32
      #expect(keys.isSuperset(of: end - 64..<end))
      #expect(keys.isSuperset(of: 0..<4))
      if count < 1900 { #expect(keys.isSuperset(of: 1696 - 64..<end), "\(count)") }
      #expect(keys.count > 500)
    }
  }

  @Test func refusesOptions() {
    expectError("squeezed:cluster=15", names: "cluster")
    expectError("squeezed:budget=64,recent=17", names: "recent")
    expectError("squeezed:budget=64,sinks=17", names: "sinks")
  }

  @Test func groupsDirections() {
    var random = RandomSource(seed: 4)
    let axes = 6
    var rows = KeyRows(dimension: 8)
    var axisOfRow: [Int] = []
    for _ in 0..<300 {
      let axis = Int(random.nextUnit() * Double(axes))
      let length = Float(1 + random.nextUnit() * 50)
      rows.append(
        (0..<8).map { ($0 == axis ? 1 : 0.1 * Float(random.nextUnit())) * length })
      axisOfRow.append(axis)
    }
    let all = (0..<Int32(300)).map { $0 }
    var kMeans = KMeans(rows, seed: 1)
    let groups = kMeans.split(all, size: 10, largest: 25)
    #expect(groups.flatMap { $0 }.sorted() == all)
    #expect(groups.allSatisfy { !$0.isEmpty && $0.count <= 25 && $0 == $0.sorted() })
    let pure = groups.count { Set($0.map { axisOfRow[Int($0)] }).count == 1 }
    #expect(pure == groups.count)
    var again = KMeans(rows, seed: 1)
    #expect(again.split(all, size: 10, largest: 25) == groups)
  }

  @Test func cutsWhatIsAllAlike() {
    var rows = KeyRows(dimension: 4)
    for _ in 0..<100 { rows.append([1, 2, 3, 4]) }
    var kMeans = KMeans(rows, seed: 1)
    let groups = kMeans.split((0..<100).map { $0 }, size: 10, largest: 40)
    #expect(groups.map(\.count) == [40, 40, 20])
  }
}
