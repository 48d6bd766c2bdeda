# Public data with holes completed by mice, and pooled: what sf.impute is held against.
# Run in this folder: Rscript fit.R FOLDER   (writes figures here, and the rows with their holes to FOLDER: they are of
# mlmRev, whose licence is the GPL). Debian: r-cran-mice, r-cran-pan, r-cran-lme4, r-cran-mlmrev.
suppressMessages({library(mice); library(lme4); library(broom.mixed)})
options(digits = 17)
folder <- commandArgs(trailingOnly = TRUE)[1]
M <- 200
data(Exam, Hsb82, package = "mlmRev")
exam <- with(Exam, data.frame(school = as.integer(school), y = normexam, x = standLRT, z = as.numeric(sex == "F")))
# a quarter of the schools, so that chains are quick
hsb <- with(Hsb82, data.frame(school = as.integer(factor(as.character(school))), y = mAch, x = ses,
  z = as.numeric(sx == "Female")))
hsb <- hsb[hsb$school %% 4 == 0, ]
steep <- function(v) plogis(1.2 * (v - mean(v)) / sd(v) - 1)

holes <- function(d, columns, rule) {
  for (name in columns) d[runif(nrow(d)) < if (rule == "mcar") 0.3 else steep(d$y), name] <- NA
  d
}
pooled <- data.frame()
keep <- function(data, rule, method, fits) {
  p <- pool(fits)$pooled
  pooled <<- rbind(pooled, data.frame(data, rule, method, term = as.character(p$term), m = p$m, estimate = p$estimate,
    ubar = p$ubar, b = p$b, t = p$t, df = p$df, fmi = p$fmi))
  write.csv(pooled, "pooled.csv", row.names = FALSE)
}
by_mice <- function(data, rule, d, columns, method, formula) {
  pred <- make.predictorMatrix(d); pred[, "school"] <- -2; pred["school", ] <- 0
  meth <- make.method(d); meth[] <- ""; meth[columns] <- method
  imp <- mice(d, m = M, maxit = if (length(columns) > 1) 10 else 1, method = meth, predictorMatrix = pred, seed = 5,
              printFlag = FALSE)
  keep(data, rule, method, with(imp, suppressMessages(lmer(formula(formula)))))
}
set.seed(20261201)
for (rule in c("mcar", "mar")) {
  for (data in c("exam", "hsb")) {
    d <- get(data)[c("school", "y", "x", "z")]
    d <- holes(d, "x", rule)
    write.csv(d, file.path(folder, paste0(data, "_", rule, ".csv")), row.names = FALSE, na = "")
    f <- "y ~ x + z + (1 | school)"
    for (method in c("2l.pan", "2l.lmer")) by_mice(data, rule, d, "x", method, f)
  }
}
writeLines(capture.output(sessionInfo()), "sessionInfo.txt")
