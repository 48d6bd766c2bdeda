# Data sets for the lme4 references: random intercepts, known parameters, fixed seed.
# Every number is written with few decimals and read back, so that R and Python parse the same double.
#
#   Rscript make_data.R        writes data/*.csv

RNGkind("Mersenne-Twister", "Inversion", "Rejection")

simulate <- function(name, sizes, beta, tau, sigma, x = NULL, digits = 6, unit = 1) {
  groups <- sprintf("g%04d", seq_along(sizes))
  g <- rep(groups, times = sizes)
  n <- length(g)
  x <- if (is.null(x)) matrix(round(rnorm(n * (length(beta) - 1)), 4), n) else as.matrix(x)
  u <- tau * scale(rnorm(length(sizes)))[, 1]
  y <- beta[1] + drop(x %*% beta[-1]) + rep(u, times = sizes) + sigma * rnorm(n)
  frame <- data.frame(y = round(y * unit, digits))
  for (k in seq_len(ncol(x))) frame[[paste0("x", k)]] <- x[, k]
  frame$g <- g
  # Rows are shuffled: no engine may rely on groups that stand together.
  frame <- frame[sample.int(n), ]
  write.csv(frame, file.path("data", paste0(name, ".csv")), row.names = FALSE, quote = FALSE)
}

report_sizes <- c(112, 97, 58, 103, 99, 103)
n_report <- sum(report_sizes)

set.seed(20221201)
simulate("small", c(3, 3, 2), c(10, 2), 3, 1)
set.seed(20221202)
simulate("two_groups", c(15, 18), c(2, 0.5), 1.5, 1)
set.seed(20221203)
simulate("null_model", report_sizes, 5.8, 1.87, 2.87)
set.seed(20221204)
item <- sample(1:5, n_report, replace = TRUE, prob = c(.09, .18, .31, .25, .17))
simulate("six_groups", report_sizes, c(6.6, -0.24), 1.87, 2.87, x = item)
set.seed(20221204)
item <- sample(1:5, n_report, replace = TRUE, prob = c(.09, .18, .31, .25, .17))
simulate("fraction_unit", report_sizes, c(6.6, -0.24), 1.87, 2.87, x = item, digits = 8, unit = 0.01)
set.seed(20221205)
simulate("many_groups", sample(1:5, 1200, replace = TRUE), c(1, 0.3), 0.7, 1, digits = 4)
set.seed(20221206)
simulate("singletons", c(rep(1, 15), sample(2:9, 25, replace = TRUE)), c(-3, 1, 0.4), 1, 2)
set.seed(20221207)
shifted <- 1e6 + round(rnorm(120), 3)
simulate("large_mean", rep(15, 8), c(50 - 2e6, 2), 2, 1, x = shifted)
set.seed(20221208)
simulate("three_predictors", c(2, 3, 5, 8, 13, 21, 34, 55, 60, 4, 7, 11), c(4, 0.8, -1.2, 0.5), 1.2, 1)
set.seed(20221209)
simulate("high_icc", rep(c(4, 9, 6), 5), c(100, 0.7), 40, 0.5)
# No variance between groups at all: the group means of the errors are taken out, so REML is at 0.
set.seed(20221210)
g <- rep(sprintf("g%04d", 1:6), times = c(12, 9, 15, 10, 8, 14))
x1 <- round(rnorm(length(g)), 4)
e <- rnorm(length(g))
y <- round(3 + 0.6 * x1 + e - 0.9 * ave(e, g), 6)
write.csv(data.frame(y, x1, g), "data/singular.csv", row.names = FALSE, quote = FALSE)
