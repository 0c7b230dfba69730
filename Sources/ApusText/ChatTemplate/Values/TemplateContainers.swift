/// The elements of a list or a tuple; nothing in a template can change them.
final class TemplateList {
  let elements: [TemplateValue]
  let depth: Int
  /// Whether the elements are also called `grouper` and `list`, as `groupby` names them.
  let isGroup: Bool

  init(_ elements: [TemplateValue], isGroup: Bool = false) throws {
    self.elements = elements
    self.isGroup = isGroup
    depth = try TemplateList.depth(over: elements)
  }

  /// One more than the deepest element; deep values would overflow the stack of whoever walks them or frees them.
  static func depth(over elements: [TemplateValue]) throws -> Int {
    var deepest = 0
    for element in elements { deepest = max(deepest, element.depth) }
    return try deeper(deepest)
  }

  static func deeper(_ depth: Int) throws -> Int {
    guard depth < TemplateMeter.valueDepthLimit else {
      throw TemplateFault.limit("values nested deeper than \(TemplateMeter.valueDepthLimit)")
    }
    return depth + 1
  }
}

/// What a dictionary compares keys by; numbers that are equal are one key.
enum TemplateKey: Hashable {
  case none
  case undefined
  case integer(Int)
  case number(Double)
  case text([UInt8])
  case tuple([TemplateKey])
  case object(ObjectIdentifier)

  init(_ value: TemplateValue, _ meter: TemplateMeter) throws {
    try meter.step()
    switch value {
    case .none: self = .none
    case .undefined: self = .undefined
    case .bool(let flag): self = .integer(flag ? 1 : 0)
    case .integer(let integer): self = .integer(integer)
    case .number(let number):
      if let integer = Int(exactly: number) {
        self = .integer(integer)
      } else {
        self = .number(number)
      }
    case .string(let text):
      try meter.read(text.bytes.count)
      self = .text(text.bytes)
    case .tuple(let tuple):
      try meter.makeElements(tuple.elements.count)
      self = .tuple(try tuple.elements.map { try TemplateKey($0, meter) })
    case .namespace(let object): self = .object(ObjectIdentifier(object))
    case .function(let object): self = .object(ObjectIdentifier(object))
    case .loop(let object): self = .object(ObjectIdentifier(object))
    case .iterator(let object): self = .object(ObjectIdentifier(object))
    case .range(let range):
      self = .tuple([.integer(range.start), .integer(range.stop), .integer(range.step)])
    case .list, .dictionary, .view:
      throw TemplateFault.runtime("unhashable type: '\(value.typeName)'")
    }
  }
}

/// A dictionary in the order of insertion; nothing in a template can change it.
final class TemplateDictionary {
  let keys: [TemplateValue]
  let values: [TemplateValue]
  let depth: Int
  private let positions: [TemplateKey: Int]

  /// Keeps the place of the first and the value of the last of equal keys.
  init(
    _ entries: [(key: TemplateValue, value: TemplateValue)], _ meter: TemplateMeter
  ) throws {
    var keys: [TemplateValue] = []
    var values: [TemplateValue] = []
    var positions: [TemplateKey: Int] = [:]
    keys.reserveCapacity(entries.count)
    values.reserveCapacity(entries.count)
    positions.reserveCapacity(entries.count)
    for (key, value) in entries {
      let identity = try TemplateKey(key, meter)
      if let position = positions[identity] {
        values[position] = value
      } else {
        positions[identity] = keys.count
        keys.append(key)
        values.append(value)
      }
    }
    depth = max(try TemplateList.depth(over: values), try TemplateList.depth(over: keys))
    self.keys = keys
    self.values = values
    self.positions = positions
  }

  var count: Int { keys.count }

  subscript(key: TemplateKey) -> TemplateValue? { positions[key].map { values[$0] } }
  subscript(name: [UInt8]) -> TemplateValue? { self[.text(name)] }

  var entries: [(key: TemplateValue, value: TemplateValue)] { Array(zip(keys, values)) }

  /// The pairs of keys and values as tuples.
  func items() throws -> [TemplateValue] {
    try zip(keys, values).map { .tuple(try TemplateList([$0, $1])) }
  }
}

/// The keys, values or items of a dictionary.
final class TemplateView {
  enum Kind: String {
    case keys = "dict_keys"
    case values = "dict_values"
    case items = "dict_items"
  }

  let kind: Kind
  let dictionary: TemplateDictionary

  init(_ kind: Kind, of dictionary: TemplateDictionary) {
    self.kind = kind
    self.dictionary = dictionary
  }

  func elements() throws -> [TemplateValue] {
    switch kind {
    case .keys: dictionary.keys
    case .values: dictionary.values
    case .items: try dictionary.items()
    }
  }
}

final class TemplateRange {
  let start: Int
  let stop: Int
  let step: Int
  let count: Int

  init(start: Int, stop: Int, step: Int) throws {
    guard step != 0 else { throw TemplateFault.runtime("range() arg 3 must not be zero") }
    let (low, high) = step > 0 ? (start, stop) : (stop, start)
    var count = 0
    if low < high {
      // In 64 bits without a sign, where the distance of any two integers fits.
      let distance = UInt(bitPattern: high) &- UInt(bitPattern: low)
      let steps = (distance - 1) / step.magnitude + 1
      guard steps <= UInt(TemplateMeter.rangeLimit) else {
        throw TemplateFault.runtime(
          "Range too big. The sandbox blocks ranges larger than MAX_RANGE (\(TemplateMeter.rangeLimit))."
        )
      }
      count = Int(steps)
    }
    self.start = start
    self.stop = stop
    self.step = step
    self.count = count
  }

  /// The element at a place; products may wrap around where the sum does not.
  subscript(index: Int) -> Int { start &+ index &* step }

  func contains(_ value: Int) -> Bool {
    guard count > 0 else { return false }
    let (low, high) = step > 0 ? (start, self[count - 1]) : (self[count - 1], start)
    guard value >= low, value <= high else { return false }
    let distance = UInt(bitPattern: value) &- UInt(bitPattern: start)
    return (step > 0 ? distance : 0 &- distance) % step.magnitude == 0
  }

  /// The range of a slice's elements, written as Python writes it.
  func sliced(_ slice: TemplateSlice) throws -> TemplateRange {
    func place(_ index: Int) throws -> Int {
      let (product, isTooLarge) = index.multipliedReportingOverflow(by: step)
      let (sum, overflow) = start.addingReportingOverflow(product)
      if isTooLarge || overflow { throw TemplateFault.runtime("integer out of range") }
      return sum
    }
    let (stride, overflow) = step.multipliedReportingOverflow(by: slice.step)
    if overflow { throw TemplateFault.runtime("integer out of range") }
    return try TemplateRange(start: place(slice.start), stop: place(slice.stop), step: stride)
  }
}

/// What filters such as `map` and `select` return: elements that can be read once.
final class TemplateIterator {
  private var elements: ArraySlice<TemplateValue>
  /// What went wrong after the last element; raised only by a reader who gets there.
  private var fault: (any Error)?
  let depth: Int

  init(_ elements: [TemplateValue], fault: (any Error)? = nil) throws {
    self.elements = elements[...]
    self.fault = fault
    depth = try TemplateList.depth(over: elements)
  }

  func next() throws -> TemplateValue? {
    if let element = elements.popFirst() { return element }
    defer { fault = nil }
    if let fault { throw fault }
    return nil
  }

  func remaining() throws -> [TemplateValue] {
    let rest = Array(elements)
    elements = []
    defer { fault = nil }
    if let fault { throw fault }
    return rest
  }
}

/// The one kind of value that a template can change.
final class TemplateNamespace {
  private(set) var names: [String] = []
  private var values: [[UInt8]: TemplateValue] = [:]

  subscript(name: String) -> TemplateValue? {
    get { values[Array(name.utf8)] }
    set {
      if values.updateValue(newValue ?? .none, forKey: Array(name.utf8)) == nil {
        names.append(name)
      }
    }
  }

  /// Lets go of all values, so that values that refer to each other are freed.
  func clear() {
    names = []
    values = [:]
  }
}

/// Something that can be called.
final class TemplateFunction {
  typealias Body = (TemplateInterpreter, TemplateCallArguments) throws -> TemplateValue

  let typeName: String
  let name: String
  let depth: Int
  let body: Body
  let attribute: ((String) throws -> TemplateValue?)?

  init(
    _ name: String, typeName: String = "builtin_function_or_method", depth: Int = 0,
    attribute: ((String) throws -> TemplateValue?)? = nil, body: @escaping Body
  ) {
    self.name = name
    self.typeName = typeName
    self.depth = depth
    self.attribute = attribute
    self.body = body
  }
}
