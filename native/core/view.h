// A run of elements that somebody else owns: std::span, until C++20.
#pragma once

#include <cassert>
#include <cstddef>
#include <type_traits>
#include <utility>

namespace packed_rnn {

template <class T>
struct View {
  T* data = nullptr;
  std::size_t size = 0;

  View() = default;
  View(T* first, std::size_t count) : data(first), size(count) {}
  // From anything contiguous (std::vector, View<T> to View<const T>).
  template <class Container, class = decltype(std::declval<Container&>().size())>
  View(Container& container) : data(container.data()), size(container.size()) {}
  template <class U, class = std::enable_if_t<std::is_same_v<const U, T>>>
  View(View<U> other) : data(other.data), size(other.size) {}

  T& operator[](std::size_t i) const {
    assert(i < size);
    return data[i];
  }
  T* begin() const { return data; }
  T* end() const { return data + size; }
  explicit operator bool() const { return data != nullptr; }
};

}  // namespace packed_rnn
