/// The exact decimal digits of a floating-point number, and the ways Python prints them.
struct TemplateDecimal {
  /// Digits without leading zeros; empty for zero.
  private var digits: [UInt8]
  /// How many of the digits stand before the decimal point; may be negative.
  private var point: Int

  init(_ value: Double) {
    let magnitude = value.magnitude
    guard magnitude > 0, magnitude.isFinite else {
      digits = []
      point = 0
      return
    }
    var exponent = Int(magnitude.exponent) - 52
    var significand = magnitude.significandBitPattern
    if magnitude.isNormal { significand |= 1 << 52 } else { exponent = -1074 }
    var number = TemplateBigNumber(significand)
    // m * 2^-k is m * 5^k with the point moved k places.
    if exponent >= 0 { number.multiply(by: 2, times: exponent) }
    if exponent < 0 { number.multiply(by: 5, times: -exponent) }
    digits = number.decimalDigits()
    point = digits.count + min(0, exponent)
  }

  /// Drops all digits but the first `count`, rounding half to even.
  private mutating func round(to count: Int) {
    guard count < digits.count else { return }
    guard count >= 0 else {
      digits = []
      return
    }
    let next = digits[count]
    let isTie = next == 5 && digits[(count + 1)...].allSatisfy { $0 == 0 }
    let isOdd = count > 0 && digits[count - 1] % 2 == 1
    let roundsUp = next > 5 || (next == 5 && (!isTie || isOdd))
    digits.removeLast(digits.count - count)
    guard roundsUp else { return }
    var position = count - 1
    while position >= 0, digits[position] == 9 {
      digits[position] = 0
      position -= 1
    }
    if position >= 0 {
      digits[position] += 1
    } else {
      digits.insert(1, at: 0)
      point += 1
    }
  }

  private func digit(_ position: Int) -> Character {
    digits.indices.contains(position) ? Character(Unicode.Scalar(0x30 + digits[position])) : "0"
  }

  /// As `%.nf` prints it, without a sign.
  func fixed(_ precision: Int) -> String {
    var rounded = self
    rounded.round(to: point + precision)
    var text = ""
    if rounded.point <= 0 { text = "0" }
    for position in 0..<max(0, rounded.point) { text.append(rounded.digit(position)) }
    if precision > 0 {
      text.append(".")
      for place in 0..<precision { text.append(rounded.digit(rounded.point + place)) }
    }
    return text
  }

  /// As `%.ne` prints it, without a sign.
  func exponential(_ precision: Int) -> String {
    var rounded = self
    rounded.round(to: precision + 1)
    var text = String(rounded.digit(0))
    if precision > 0 {
      text.append(".")
      for place in 1...precision { text.append(rounded.digit(place)) }
    }
    return text + Self.exponentText(rounded.digits.isEmpty ? 0 : rounded.point - 1)
  }

  /// As `%.ng` prints it, without a sign; `keepsZeros` is the `#` flag.
  func general(_ precision: Int, keepsZeros: Bool = false) -> String {
    let precision = max(1, precision)
    var rounded = self
    rounded.round(to: precision)
    let exponent = rounded.digits.isEmpty ? 0 : rounded.point - 1
    if exponent < -4 || exponent >= precision {
      let text = exponential(precision - 1)
      if keepsZeros { return text }
      let mark = text.firstIndex(of: "e") ?? text.endIndex
      return Self.withoutZeros(String(text[..<mark])) + text[mark...]
    }
    let text = fixed(precision - 1 - exponent)
    return keepsZeros ? text : Self.withoutZeros(text)
  }

  /// The number rounded to a multiple of a power of ten.
  func rounded(toPowerOfTen power: Int) -> Double {
    var rounded = self
    rounded.round(to: point - power)
    return Double(rounded.fixed(0)) ?? 0
  }

  private static func withoutZeros(_ text: String) -> String {
    guard text.contains(".") else { return text }
    var text = text
    while text.last == "0" { text.removeLast() }
    if text.last == "." { text.removeLast() }
    return text
  }

  private static func exponentText(_ exponent: Int) -> String {
    let digits = String(exponent.magnitude)
    return "e" + (exponent < 0 ? "-" : "+") + (digits.count < 2 ? "0" : "") + digits
  }

  /// The shortest text that reads back as the number, as Python's `repr` writes it.
  static func representation(of value: Double) -> String {
    if value.isNaN { return "nan" }
    if value.isInfinite { return value < 0 ? "-inf" : "inf" }
    if value == 0 { return value.sign == .minus ? "-0.0" : "0.0" }
    var digits: [Character] = []
    var point = 0
    var seenPoint = false
    var exponent = 0
    let text = value.magnitude.description
    for (offset, character) in text.enumerated() {
      if character == "." {
        seenPoint = true
      } else if character == "e" {
        exponent = Int(text.dropFirst(offset + 1)) ?? 0
        break
      } else if character != "0" || !digits.isEmpty {
        digits.append(character)
        if !seenPoint { point += 1 }
      } else if seenPoint {
        point -= 1
      }
    }
    while digits.last == "0" { digits.removeLast() }
    return (value < 0 ? "-" : "") + layOut(digits, point: point + exponent)
  }

  private static func layOut(_ digits: [Character], point: Int) -> String {
    if point > 16 || point < -3 {
      let fraction = digits.count > 1 ? "." + String(digits[1...]) : ""
      return String(digits[0]) + fraction + exponentText(point - 1)
    }
    if point <= 0 { return "0." + String(repeating: "0", count: -point) + String(digits) }
    if point >= digits.count {
      return String(digits) + String(repeating: "0", count: point - digits.count) + ".0"
    }
    return String(digits[..<point]) + "." + String(digits[point...])
  }
}

/// A natural number of any size, as far as printing needs it.
private struct TemplateBigNumber {
  private var limbs: [UInt32]

  init(_ value: UInt64) {
    limbs = [UInt32(truncatingIfNeeded: value), UInt32(value >> 32)]
  }

  mutating func multiply(by base: UInt64, times: Int) {
    var left = times
    while left > 0 {
      let count = min(left, 13)  // 5^13 fits in 32 bits
      var factor: UInt64 = 1
      for _ in 0..<count { factor *= base }
      var carry: UInt64 = 0
      for index in limbs.indices {
        carry += UInt64(limbs[index]) * factor
        limbs[index] = UInt32(truncatingIfNeeded: carry)
        carry >>= 32
      }
      if carry > 0 { limbs.append(UInt32(carry)) }
      left -= count
    }
  }

  /// The digits, most significant first; destroys the number.
  mutating func decimalDigits() -> [UInt8] {
    var digits: [UInt8] = []
    while let last = limbs.last {
      if last == 0 {
        limbs.removeLast()
        continue
      }
      var remainder: UInt64 = 0
      for index in limbs.indices.reversed() {
        remainder = remainder << 32 | UInt64(limbs[index])
        limbs[index] = UInt32(remainder / 1_000_000_000)
        remainder %= 1_000_000_000
      }
      for _ in 0..<9 {
        digits.append(UInt8(remainder % 10))
        remainder /= 10
      }
    }
    while digits.last == 0 { digits.removeLast() }
    return digits.reversed()
  }
}
