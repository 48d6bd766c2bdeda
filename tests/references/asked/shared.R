# What ask.R and public.R share: polished fits, and standard errors of predictions by whole matrices.
suppressPackageStartupMessages({library(lme4); library(lmerTest); library(emmeans); library(numDeriv)})
control <- lmerControl(optimizer = "bobyqa", optCtrl = list(rhobeg = 1e-2, rhoend = 1e-10, maxfun = 1e5), calc.derivs = FALSE)
emm_options(lmer.df = "satterthwaite")

rows <- list()
put <- function(model, question, key, estimate, se = NA, df = NA, p = NA)
  rows[[length(rows) + 1]] <<- data.frame(model, question, key, estimate, se, df, p)

fitted_by <- function(formula, d) {
  fit <- lmerTest::lmer(formula, d, control = control)
  environment(formula) <- environment()
  parts <- lFormula(formula, d, REML = TRUE, control = control)
  deviance <- do.call(mkLmerDevfun, parts)
  theta <- getME(fit, "theta")
  for (k in 1:4) theta <- theta - solve(hessian(deviance, theta), grad(deviance, theta))
  lmerTest::lmer(formula, d, control = lmerControl(optimizer = "nloptwrap", optCtrl = list(maxeval = 1), calc.derivs = FALSE), start = theta)
}

# Henderson: (beta, u) have covariance sigma^2 (T'T + diag(0, I))^-1, T = [X, Z Lambda].
errors <- function(fit, X, Z) {
  L <- as.matrix(t(getME(fit, "Lambdat")))
  T <- cbind(getME(fit, "X"), as.matrix(getME(fit, "Z")) %*% L)
  p <- ncol(X)
  C <- solve(crossprod(T) + diag(c(rep(0, p), rep(1, ncol(L))))) * sigma(fit)^2
  W <- cbind(X, Z %*% L)
  sqrt(rowSums((W %*% C) * W))
}
fixed_errors <- function(fit, X) sqrt(rowSums((X %*% as.matrix(vcov(fit))) * X))
matrix_of <- function(fit, new) {  # with the state of the fitted rows' transformations
  tt <- delete.response(terms(fit, fixed.only = TRUE))
  model.matrix(tt, model.frame(tt, new))
}
z_matrix <- function(fit, new, left) {  # columns of Z for rows of known levels; left: list of model matrices by factor
  Z <- matrix(0, nrow(new), ncol(getME(fit, "Z")))
  starts <- getME(fit, "Gp")
  flist <- getME(fit, "flist")
  names <- names(getME(fit, "cnms"))
  for (i in seq_along(names)) {
    lev <- levels(flist[[names[i]]]); M <- left[[i]]
    for (r in seq_len(nrow(new))) {
      at <- starts[i] + (match(as.character(new[[names[i]]][r]), lev) - 1) * ncol(M)
      Z[r, at + seq_len(ncol(M))] <- M[r, ]
    }
  }
  Z
}

write_answers <- function(file) {
  answers <- do.call(rbind, rows)
  for (name in c("estimate", "se", "df", "p")) answers[[name]] <- ifelse(is.na(answers[[name]]), "", sapply(answers[[name]], format, digits = 15))
  write.csv(answers, file, row.names = FALSE)
}
